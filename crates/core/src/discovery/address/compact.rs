//! Routes in half the bytes: the URL of a self-certifying relay is written as what it says, pin, addresses and port,
//! instead of in letters. Any other URL is written as it is. Used by `minicbor`'s derives (`with = "compact::optional"`).

use std::net::IpAddr;

use minicbor::decode::Error as DecodeError;
use minicbor::encode::{Error as EncodeError, Write};
use minicbor::{Decode, Decoder, Encode, Encoder};

use crate::address::Route;
use crate::ids::TlsPin;
use crate::introducer::RelayName;

/// One relay.
#[derive(Encode, Decode)]
enum Relay {
    #[n(0)]
    Url(#[n(0)] String),
    #[n(1)]
    Pinned(#[n(0)] TlsPin, #[n(1)] Vec<IpAddr>, #[n(2)] u16),
}

impl Relay {
    /// Takes the short form only when it gives back the same URL.
    fn of(url: &str) -> Self {
        let short = url
            .strip_prefix("https://")
            .and_then(|rest| rest.rsplit_once(':'))
            .and_then(|(host, port)| Some((RelayName::parse(host)?, port.parse().ok()?)))
            .map(|(name, port)| Self::Pinned(name.pin, name.addresses, port));
        match short {
            Some(short) if short.url() == url => short,
            _ => Self::Url(url.to_owned()),
        }
    }

    fn url(&self) -> String {
        match self {
            Self::Url(url) => url.clone(),
            Self::Pinned(pin, addresses, port) => {
                let (pin, addresses) = (*pin, addresses.clone());
                format!("https://{}:{port}", RelayName { pin, addresses }.host())
            }
        }
    }
}

/// Writes a route.
pub(super) fn encode<C, W: Write>(
    route: &Route,
    e: &mut Encoder<W>,
    ctx: &mut C,
) -> Result<(), EncodeError<W::Error>> {
    let relays: Vec<Relay> = route.relays.iter().map(|url| Relay::of(url)).collect();
    (route.device, &route.addresses, relays).encode(e, ctx)
}

/// Reads a route.
pub(super) fn decode<'b, C>(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Route, DecodeError> {
    let (device, addresses, relays) = Decode::decode(d, ctx)?;
    let relays: Vec<Relay> = relays;
    Ok(Route {
        device,
        addresses,
        relays: relays.iter().map(Relay::url).collect(),
    })
}

/// The same for a route that may be missing.
pub(super) mod optional {
    use super::{DecodeError, Decoder, EncodeError, Encoder, Route, Write};

    /// Writes a route, or null.
    pub(crate) fn encode<C, W: Write>(
        route: &Option<Route>,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        match route {
            Some(route) => super::encode(route, e, ctx),
            None => e.null()?.ok(),
        }
    }

    /// Reads a route, or null.
    pub(crate) fn decode<C>(
        d: &mut Decoder<'_>,
        ctx: &mut C,
    ) -> Result<Option<Route>, DecodeError> {
        if d.datatype()? == minicbor::data::Type::Null {
            d.null()?;
            return Ok(None);
        }
        super::decode(d, ctx).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_url_is_given_back_as_it_was() {
        let pin = TlsPin([9; 32]);
        let addresses = vec!["203.0.113.5".parse().expect("literal")];
        let host = RelayName { pin, addresses }.host();
        let short = format!("https://{host}:7118");
        assert!(matches!(Relay::of(&short), Relay::Pinned(..)));
        for url in [
            short.clone(),
            short.to_uppercase(),
            format!("https://{host}"),
            format!("https://{host}:07118"),
            format!("https://{host}.:7118"),
            format!("https://{host}:7118/"),
            format!("http://{host}:7118"),
            "https://relay.example.org:443".to_owned(),
            String::new(),
        ] {
            assert_eq!(Relay::of(&url).url(), url);
        }
    }
}
