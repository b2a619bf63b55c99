#include "tests/support_c/raw_peer.h"

#include <check.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int raw_peer_listen(struct cw_address *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(cw_address_parse(address, cw_str_of("127.0.0.1:0")), 0);
	ck_assert_int_eq(bind(fd, &address->sa.any, address->len), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	ck_assert_int_eq(getsockname(fd, &address->sa.any, &address->len), 0);
	return fd;
}

static int open_socket(const struct raw_peer_settings *s)
{
	int fd;

	if (s->address.len == 0)
		return accept(s->listener, NULL, NULL);
	fd = socket(s->address.sa.any.sa_family, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, &s->address.sa.any, s->address.len) < 0)
		return -1;
	return fd;
}

/* Everything is allowed here: it is the other side that has to refuse. */
static SSL_CTX *create_context(const struct raw_peer_settings *s)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());

	if (!ctx)
		_exit(RAW_PEER_BROKEN);
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* A server that asks for no certificate is not what we stand in for. */
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	if (s->is_tls12)
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	if (s->has_small_fragments)
		SSL_CTX_set_tlsext_max_fragment_length(ctx, TLSEXT_max_fragment_length_512);
	if (s->certificate &&
		(SSL_CTX_use_certificate_chain_file(ctx, s->certificate) != 1 ||
			SSL_CTX_use_PrivateKey_file(ctx, s->key, SSL_FILETYPE_PEM) != 1))
		_exit(RAW_PEER_BROKEN);
	return ctx;
}

static int classify_failure(void)
{
	int reason = ERR_GET_REASON(ERR_peek_error());

	switch (reason - SSL_AD_REASON_OFFSET) {
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_REVOKED:
	case SSL_AD_CERTIFICATE_EXPIRED:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_UNKNOWN_CA:
	case SSL_AD_CERTIFICATE_REQUIRED:
		return RAW_PEER_REFUSED;
	default:
		return RAW_PEER_NO_TLS;
	}
}

static int converse(SSL *ssl, const struct raw_peer_settings *s)
{
	static char bytes[16384];
	size_t total = 0;
	int n;

	if (s->first_bytes)
		SSL_write(ssl, s->first_bytes, (int)strlen(s->first_bytes));
	while ((n = SSL_read(ssl, bytes, sizeof(bytes))) > 0) {
		for (size_t i = 0; i < (size_t)n; i++) {
			if (bytes[i] != raw_peer_byte(total + i))
				return RAW_PEER_CORRUPTED;
		}
		total += (size_t)n;
	}
	if (SSL_get_error(ssl, n) != SSL_ERROR_ZERO_RETURN)
		return classify_failure();
	return RAW_PEER_OK;
}

/* One connection; *session is offered, and replaced by the one that came about. */
static int connect_once(SSL_CTX *ctx, const struct raw_peer_settings *s, SSL_SESSION **session)
{
	SSL *ssl = SSL_new(ctx);
	int fd = open_socket(s), result;

	if (!ssl || fd < 0)
		_exit(RAW_PEER_BROKEN);
	SSL_set_fd(ssl, fd);
	if (s->server_name)
		SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
			(void *)(uintptr_t)s->server_name);
	if (*session)
		SSL_set_session(ssl, *session);
	ERR_clear_error();
	if ((s->address.len == 0 ? SSL_accept(ssl) : SSL_connect(ssl)) != 1)
		result = classify_failure();
	else if (SSL_session_reused(ssl))
		result = RAW_PEER_RESUMED;
	else
		result = converse(ssl, s);
	*session = SSL_get1_session(ssl);
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
	return result;
}

pid_t raw_peer_start(const struct raw_peer_settings *settings)
{
	pid_t peer;
	SSL_SESSION *session = NULL;
	SSL_CTX *ctx;
	int result;

	fflush(NULL);
	peer = fork();
	ck_assert_int_ge(peer, 0);
	if (peer > 0)
		return peer;
	ctx = create_context(settings);
	result = connect_once(ctx, settings, &session);
	if (settings->wants_resumption && result == RAW_PEER_OK)
		result = connect_once(ctx, settings, &session);
	_exit(result);
}

int raw_peer_wait(pid_t peer)
{
	int status = 0;

	ck_assert_int_eq(waitpid(peer, &status, 0), peer);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}
