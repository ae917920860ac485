//! Relay URLs that resolve and certify themselves (see [`kith_core::introducer`]).
//!
//! The host name of such a URL holds the addresses of the server and the hash of its TLS key. So the resolver below answers
//! for it without DNS, the verifier below knows the right key without an authority, and neither keeps state: a relay that
//! nobody has introduced can be dialled by its URL alone. All other names go to the system's DNS and are verified against
//! the public authorities, as on the web.
//!
//! The certificate of a pinned server is not looked at beyond its key: its names, dates and issuer say nothing that the
//! pin does not, and TLS (RFC 8446 §4.4.3) proves that the server holds the key.

use std::future::ready;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use iroh::RelayUrl;
use iroh::dns::{BoxIter, DnsError, DnsResolver, Resolver, TxtRecordData};
use iroh_relay::tls::CaTlsConfig;
use kith_core::ids::TlsPin;
use kith_core::introducer::{RELAY_SUFFIX, RelayName};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use tracing::warn;

/// How long a DNS server has to answer; iroh's own value, well above the 1 s of a slow mobile network.
const DNS_WAIT_MAX: Duration = Duration::from_secs(3);

/// A relay's URL as introducers write it: without the slash that iroh ends it with.
pub(super) fn relay_url_text(url: &RelayUrl) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// Verifies relays: self-certifying names by their pin, all others by the authorities a browser trusts and those of `roots`.
pub fn relay_tls_config(roots: &[CertificateDer<'static>]) -> CaTlsConfig {
    let authorities = CaTlsConfig::embedded().with_extra_roots(roots.iter().cloned());
    CaTlsConfig::custom_server_cert_verifier(Arc::new(move |provider| {
        let verifier = RelayVerifier::new(provider, &authorities)?;
        Ok(Arc::new(verifier) as Arc<dyn ServerCertVerifier>)
    }))
}

/// Why a file of root certificates cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: no certificates in PEM: {reason}", path.display())]
pub struct RootsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// Reads root certificates (PEM) by which servers of a private authority are known.
///
/// # Errors
/// [`RootsError`], also where there are none in the file.
pub fn read_roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, RootsError> {
    let failed = |reason| RootsError {
        path: path.to_owned(),
        reason,
    };
    let roots = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| failed(error.to_string()))?;
    match roots.is_empty() {
        true => Err(failed("there is none".to_owned())),
        false => Ok(roots),
    }
}

/// Resolves relays: self-certifying names by reading them, all others by the system's DNS.
pub fn relay_resolver() -> DnsResolver {
    DnsResolver::custom(RelayResolver::new())
}

/// Checks the pin a host name holds.
#[derive(Debug)]
struct RelayVerifier {
    provider: Arc<CryptoProvider>,
    authorities: Arc<dyn ServerCertVerifier>,
}

impl RelayVerifier {
    fn new(provider: Arc<CryptoProvider>, authorities: &CaTlsConfig) -> io::Result<Self> {
        let authorities = authorities.clone().server_cert_verifier(provider.clone())?;
        Ok(Self {
            provider,
            authorities,
        })
    }

    /// Whether `certificate` holds the key that `name` pins.
    fn check_pin(name: &RelayName, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let parsed = ParsedCertificate::try_from(certificate)?;
        if TlsPin::of(&parsed.subject_public_key_info()) == name.pin {
            return Ok(());
        }
        // iroh only says "connection failed", and a wrong pin is an attack or a relay set up anew.
        warn!(pin = ?name.pin, "a relay does not hold the TLS key that its introducer line pins");
        Err(CertificateError::ApplicationVerificationFailure.into())
    }
}

impl ServerCertVerifier for RelayVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let relay = match server_name {
            ServerName::DnsName(name) => RelayName::parse(name.as_ref()),
            _ => None,
        };
        match relay {
            Some(relay) => {
                Self::check_pin(&relay, certificate).map(|()| ServerCertVerified::assertion())
            }
            None => self.authorities.verify_server_cert(
                certificate,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Reads the addresses a host name holds.
#[derive(Debug)]
struct RelayResolver {
    system: DnsResolver,
}

impl RelayResolver {
    fn new() -> Self {
        // Without the fallback: it would ask public resolvers that nobody here chose.
        let system = DnsResolver::builder()
            .with_system_defaults()
            .disable_fallback()
            .build();
        Self { system }
    }
}

/// The addresses in `host`; `None` when it is a name of the DNS. A name under [`RELAY_SUFFIX`] that is damaged has
/// none and is nobody else's business either.
fn read_addresses(host: &str) -> Option<Vec<IpAddr>> {
    let host = host.strip_suffix('.').unwrap_or(host);
    match RelayName::parse(host) {
        Some(name) => Some(name.addresses),
        None => host.ends_with(RELAY_SUFFIX).then(Vec::new),
    }
}

/// The addresses of `host` of the family that `keep` keeps: those it says itself, or what `ask` says.
async fn look_up<T, Found, Asking>(
    host: String,
    ask: impl FnOnce(String) -> Asking,
    keep: fn(IpAddr) -> Option<T>,
) -> Result<BoxIter<T>, DnsError>
where
    T: Send + 'static,
    Found: Iterator<Item = IpAddr>,
    Asking: Future<Output = Result<Found, DnsError>>,
{
    match read_addresses(&host) {
        Some(addresses) => Ok(boxed(addresses.into_iter().filter_map(keep))),
        None => Ok(boxed(ask(host).await?.filter_map(keep))),
    }
}

/// A boxed iterator, as iroh's resolvers answer.
fn boxed<T: Send + 'static>(items: impl IntoIterator<Item = T>) -> BoxIter<T> {
    Box::new(items.into_iter().collect::<Vec<T>>().into_iter())
}

impl Resolver for RelayResolver {
    fn lookup_ipv4(&self, host: String) -> BoxFuture<'static, Result<BoxIter<Ipv4Addr>, DnsError>> {
        let system = self.system.clone();
        let ask = |host| async move { system.lookup_ipv4(host, DNS_WAIT_MAX).await };
        Box::pin(look_up(host, ask, |ip| match ip {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        }))
    }

    fn lookup_ipv6(&self, host: String) -> BoxFuture<'static, Result<BoxIter<Ipv6Addr>, DnsError>> {
        let system = self.system.clone();
        let ask = |host| async move { system.lookup_ipv6(host, DNS_WAIT_MAX).await };
        Box::pin(look_up(host, ask, |ip| match ip {
            IpAddr::V6(ip) => Some(ip),
            IpAddr::V4(_) => None,
        }))
    }

    fn lookup_txt(
        &self,
        host: String,
    ) -> BoxFuture<'static, Result<BoxIter<TxtRecordData>, DnsError>> {
        if read_addresses(&host).is_some() {
            return Box::pin(ready(Ok(boxed([]))));
        }
        let system = self.system.clone();
        Box::pin(async move { Ok(boxed(system.lookup_txt(host, DNS_WAIT_MAX).await?)) })
    }

    fn clear_cache(&self) {
        self.system.clear_cache();
    }

    fn reset(&self) -> Box<dyn Resolver> {
        Box::new(Self::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relay(pin: TlsPin, addresses: &[&str]) -> RelayName {
        let addresses = addresses
            .iter()
            .map(|text| text.parse().expect("literal"))
            .collect();
        RelayName { pin, addresses }
    }

    /// A certificate for a name of its own, and the pin of its key.
    fn certificate() -> (CertificateDer<'static>, TlsPin) {
        let made = rcgen::generate_simple_self_signed(vec!["elsewhere.example".to_owned()])
            .expect("a plain name");
        let pin = TlsPin::of(&rcgen::PublicKeyData::subject_public_key_info(
            &made.signing_key,
        ));
        (made.cert.der().clone(), pin)
    }

    fn verify(host: &str, certificate: &CertificateDer<'_>) -> Result<ServerCertVerified, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            RelayVerifier::new(provider, &CaTlsConfig::embedded()).expect("ring verifies");
        let name = ServerName::try_from(host).expect("a host name");
        // 2100: a pinned certificate does not expire.
        let now = UnixTime::since_unix_epoch(Duration::from_secs(4_102_444_800));
        verifier.verify_server_cert(certificate, &[], &name, &[], now)
    }

    #[test]
    fn the_pinned_key_is_accepted_whatever_its_certificate_says() {
        let (certificate, pin) = certificate();
        assert!(verify(&relay(pin, &["192.0.2.1"]).host(), &certificate).is_ok());
    }

    #[test]
    fn another_key_is_refused() {
        let (certificate, _) = certificate();
        let host = relay(TlsPin([9; 32]), &["192.0.2.1"]).host();
        let refused = Error::from(CertificateError::ApplicationVerificationFailure);
        assert_eq!(verify(&host, &certificate).err(), Some(refused));
    }

    #[test]
    fn other_names_need_a_public_authority() {
        let (certificate, _) = certificate();
        assert!(verify("elsewhere.example", &certificate).is_err());
    }

    #[tokio::test]
    async fn self_certifying_names_resolve_by_being_read() {
        let resolver = relay_resolver();
        let host = relay(TlsPin([1; 32]), &["192.0.2.1", "2001:db8::5"]).host();
        let found = resolver.lookup_ipv4(&host, DNS_WAIT_MAX).await;
        let found: Vec<_> = found.expect("no DNS is asked").collect();
        assert_eq!(found, [IpAddr::from([192, 0, 2, 1])]);
        let found = resolver.lookup_ipv6(&host, DNS_WAIT_MAX).await;
        let found: Vec<_> = found.expect("no DNS is asked").collect();
        assert_eq!(found, ["2001:db8::5".parse::<IpAddr>().expect("literal")]);
    }

    #[test]
    fn a_damaged_relay_name_is_not_asked_of_the_dns() {
        assert_eq!(
            read_addresses(&format!("x.{RELAY_SUFFIX}")),
            Some(Vec::new())
        );
        assert_eq!(read_addresses("relay.example.org"), None);
    }
}
