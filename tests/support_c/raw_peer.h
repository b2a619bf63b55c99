/*
 * A TLS peer in a process of its own, on blocking sockets and OpenSSL alone: for what net/ and certs/ would never do themselves.
 */
#ifndef TESTS_SUPPORT_C_RAW_PEER_H
#define TESTS_SUPPORT_C_RAW_PEER_H

#include "net/address.h"

#include <sys/types.h>

struct raw_peer_settings {
	struct cw_address address; /* to dial */
	int listener; /* or a listening socket, to serve one connection (with address.len 0) */
	const char *certificate, *key; /* NULL: shows none */
	const char *server_name;       /* SNI; NULL: none */
	bool is_tls12;                 /* at most TLS 1.2 */
	bool has_small_fragments;      /* asks for records of at most 512 bytes */
	bool wants_resumption;         /* dials twice, the second time with the first session */
	const char *first_bytes;       /* to send when it is open; NULL: nothing */
};

/* What became of it; the exit status of its process. */
enum raw_peer_result {
	RAW_PEER_OK,        /* handshake, then close_notify from the other side */
	RAW_PEER_REFUSED,   /* an alert about our certificate, in or after the handshake */
	RAW_PEER_NO_TLS,    /* another failure of the handshake */
	RAW_PEER_CORRUPTED, /* what it received was not the pattern of raw_peer_byte */
	RAW_PEER_RESUMED,   /* the second session was a resumption of the first */
	RAW_PEER_BROKEN,    /* the test is wrong */
};

/* Begin one. Returns: its process. What goes wrong in starting ends the test. */
pid_t raw_peer_start(const struct raw_peer_settings *settings);

/* Wait for its end. Returns: an enum raw_peer_result. */
int raw_peer_wait(pid_t peer);

/* The bytes that it expects to receive: the one at position `at`. */
static inline char raw_peer_byte(size_t at)
{
	return (char)(at * 7 + at / 251);
}

/* Listen on a free port of loopback, whose address goes to *address. Returns: the socket, owned by the caller. */
int raw_peer_listen(struct cw_address *address);

#endif
