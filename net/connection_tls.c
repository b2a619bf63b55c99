/* What a connection has to do with TLS besides bytes: who the peer is, and why a handshake failed. */
#include "certs/context.h"
#include "core/log.h"
#include "net/connection_private.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/util.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <errno.h>
#include <stdio.h>

/* One line for each handshake that failed: scripts look for it, so its keys are an interface. */
static void log_failure(
	const struct cw_connection *c, const char *problem, const char *subject, const char *detail)
{
	char remote[CW_ADDRESS_TEXT_MAX];

	cw_address_format(&c->remote, remote);
	cw_warn("net.tls", cw_kz("event", "handshake-failed"), cw_kz("problem", problem),
		cw_kz("subject", subject), cw_kz("remote", remote),
		cw_kz("side", c->is_incoming ? "accept" : "dial"), cw_kz("detail", detail));
}

int cw_connection_tls_identify(
	struct cw_connection *c, char detail[static CW_CONNECTION_DETAIL_MAX])
{
	X509 *certificate = SSL_get0_peer_certificate(c->ssl);
	int r = certificate ? cw_identity_create(&c->identity, certificate) : -EINVAL;

	if (!r || (!certificate && cw_tls_demand_of(c->ssl) == CW_TLS_ANY_PEER))
		return 0;
	snprintf(detail, CW_CONNECTION_DETAIL_MAX, "%s",
		r == -E2BIG    ? "its certificate carries too many names"
		: r == -ENOMEM ? "out of memory"
			       : "its certificate cannot be read");
	log_failure(c, r == -ENOMEM ? "memory" : "invalid", NULL, detail);
	return r;
}

/* The error of OpenSSL behind an event; 0: none. libevent hands them out last in, first out, with an SSL_ERROR_ code among them. */
static unsigned long take_error(struct bufferevent *bev)
{
	unsigned long error, first = 0;

	while ((error = bufferevent_get_openssl_error(bev)) != 0) {
		if (ERR_GET_LIB(error) == ERR_LIB_SSL)
			first = error; /* the last one taken is the first that happened */
	}
	return first;
}

/* The alert that a peer sent, or -1. */
static int alert_of(unsigned long error)
{
	int reason = ERR_GET_REASON(error);

	if (ERR_GET_LIB(error) != ERR_LIB_SSL || reason < SSL_AD_REASON_OFFSET ||
		reason > SSL_AD_REASON_OFFSET + 255)
		return -1;
	return reason - SSL_AD_REASON_OFFSET;
}

static void describe_alert(int alert, char detail[static CW_CONNECTION_DETAIL_MAX])
{
	snprintf(detail, CW_CONNECTION_DETAIL_MAX, "%s (peer's alert)",
		SSL_alert_desc_string_long(alert));
}

/* Why a handshake failed that failed neither for the peer's certificate nor for ours. */
static const char *describe_failure(
	unsigned long error, short what, char detail[static CW_CONNECTION_DETAIL_MAX])
{
	int socket_error = EVUTIL_SOCKET_ERROR();
	const char *reason = error ? ERR_reason_error_string(error) : NULL;

	if (what == 0) {
		snprintf(detail, CW_CONNECTION_DETAIL_MAX, "timeout");
		return "timeout";
	}
	if (error) {
		snprintf(detail, CW_CONNECTION_DETAIL_MAX, "%s",
			reason ? reason : "TLS protocol error");
		return "protocol";
	}
	if ((what & BEV_EVENT_EOF) || socket_error == 0) {
		snprintf(detail, CW_CONNECTION_DETAIL_MAX, "closed by the peer");
		return "eof";
	}
	snprintf(detail, CW_CONNECTION_DETAIL_MAX, "%s", strerror(socket_error));
	return "lost";
}

void cw_connection_tls_failed(
	struct cw_connection *c, short what, char detail[static CW_CONNECTION_DETAIL_MAX])
{
	unsigned long error = what ? take_error(c->bev) : 0;
	bool is_judged = what && cw_tls_demand_of(c->ssl) == CW_TLS_VERIFIED;
	const char *problem = is_judged ? cw_tls_verify_problem(c->ssl, error) : NULL;
	int alert = alert_of(error);

	if (problem) {
		snprintf(detail, CW_CONNECTION_DETAIL_MAX, "%s", problem);
	} else if (alert >= 0) {
		problem = "alert";
		describe_alert(alert, detail);
	} else {
		problem = describe_failure(error, what, detail);
	}
	log_failure(c, problem, cw_tls_refused_subject(c->ssl), detail);
}

void cw_connection_tls_not_begun(
	const struct cw_connection *c, const char *problem, const char *detail)
{
	log_failure(c, problem, NULL, detail);
}

/* The alerts that speak of a certificate (RFC 8446, 6.2). */
static bool is_about_certificate(int alert)
{
	static const int alerts[] = {SSL_AD_BAD_CERTIFICATE, SSL_AD_UNSUPPORTED_CERTIFICATE,
		SSL_AD_CERTIFICATE_REVOKED, SSL_AD_CERTIFICATE_EXPIRED, SSL_AD_CERTIFICATE_UNKNOWN,
		SSL_AD_UNKNOWN_CA, SSL_AD_ACCESS_DENIED, SSL_AD_CERTIFICATE_REQUIRED};

	for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++) {
		if (alerts[i] == alert)
			return true;
	}
	return false;
}

bool cw_connection_tls_lost(struct cw_connection *c, char detail[static CW_CONNECTION_DETAIL_MAX])
{
	int socket_error = EVUTIL_SOCKET_ERROR();
	unsigned long error = take_error(c->bev);
	const char *reason = error ? ERR_reason_error_string(error) : NULL;
	int alert = alert_of(error);

	if (alert >= 0)
		describe_alert(alert, detail);
	else
		snprintf(detail, CW_CONNECTION_DETAIL_MAX, "%s",
			reason ? reason : strerror(socket_error));
	if (c->is_incoming || c->has_received || !is_about_certificate(alert))
		return false;
	log_failure(c, "alert", c->identity ? c->identity->subject : NULL, detail);
	return true;
}

bool cw_connection_tls_write(struct cw_connection *c, struct cw_str bytes)
{
	size_t written;

	if (SSL_write_ex(c->ssl, bytes.p, bytes.len, &written) == 1)
		return true;
	ERR_clear_error(); /* or it would be read as the failure of the next connection */
	return false;
}

bool cw_connection_tls_has_input(const struct cw_connection *c)
{
	return SSL_has_pending(c->ssl);
}

void cw_connection_tls_shutdown(struct cw_connection *c)
{
	ERR_clear_error();
	SSL_shutdown(c->ssl);
	ERR_clear_error(); /* or it would be read as the failure of the next connection */
}

static bool is_secure(const struct cw_connection *c)
{
	return c->ssl && SSL_is_init_finished(c->ssl);
}

const char *cw_connection_tls_version(const struct cw_connection *c)
{
	return is_secure(c) ? SSL_get_version(c->ssl) : NULL;
}

const char *cw_connection_tls_cipher(const struct cw_connection *c)
{
	return is_secure(c) ? SSL_get_cipher_name(c->ssl) : NULL;
}

const char *cw_connection_tls_problem(const struct cw_connection *c)
{
	return is_secure(c) ? cw_tls_verify_problem(c->ssl, 0) : NULL;
}

void cw_connection_tls_free(struct ssl_st *ssl)
{
	SSL_free(ssl);
}
