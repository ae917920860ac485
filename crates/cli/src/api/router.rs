//! What is where.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post, put};

use super::answer::BODY_BYTES_MAX;
use super::door::Door;
use super::{
    access, albums, contacts, content_urls, doctor, document, events, files, folders, getting,
    guests, invites, limits, listeners, listing, network, node, pictures, ping, previews, raw,
    recognise, remembered, services, settings, shares, trace, transfers,
};
use crate::failure::Failure;

/// Where this version of the API is.
const BASE: &str = "/api/v1";

/// The whole API, as it is on the socket.
pub(super) fn on_socket(door: Door) -> Router {
    let alone = Router::new()
        .route("/pipe", post(raw::pipe))
        .route("/listeners", post(listeners::listen))
        .route("/streams/{number}", post(raw::take).get(raw::outcome))
        .route("/streams/{number}/finish", post(raw::finish))
        .route("/guests", post(guests::join))
        .route("/web/codes", post(access::make_code))
        .route("/tokens", post(access::make_token));
    serve(alone.merge(everywhere()), door)
}

/// The API as it is on TCP: nothing that becomes raw bytes, and nothing that lets others in.
pub(super) fn on_tcp(door: Door) -> Router {
    serve(everywhere(), door)
}

fn serve(api: Router<Door>, door: Door) -> Router {
    Router::new()
        .nest(BASE, api)
        .fallback(async || {
            Failure::usage("there is nothing here; /api/v1/openapi.json lists what is")
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(door)
}

/// What is on the socket and on TCP alike.
fn everywhere() -> Router<Door> {
    Router::new()
        .route("/node", get(node::read))
        .route("/status", get(node::status))
        .route("/doctor", post(doctor::examine))
        .route("/events", get(events::follow))
        .route("/network", get(network::read))
        .route("/settings", get(settings::read).post(settings::change))
        .route("/introducers", post(settings::add_introducer))
        .route("/introducers/remove", post(settings::remove_introducer))
        .route("/recognise", post(recognise::recognise))
        .route("/invites", get(invites::list).post(invites::create))
        .route("/invites/{id}", delete(invites::end))
        .route("/contacts", get(contacts::list).post(contacts::add))
        .route(
            "/contacts/{name}",
            get(contacts::read).delete(contacts::remove),
        )
        .route("/contacts/{name}/told", post(contacts::told))
        .route("/contacts/{name}/rename", post(contacts::rename))
        .route("/contacts/{name}/tags", post(contacts::tag))
        .route("/contacts/{name}/note", post(contacts::note))
        .route("/contacts/{name}/words", get(contacts::words))
        .route("/contacts/{name}/words/live", post(contacts::compare_words))
        .route("/contacts/{name}/confirm", post(contacts::confirm))
        .route("/contacts/{name}/block", post(contacts::block))
        .route("/contacts/{name}/unblock", post(contacts::unblock))
        .route("/ping", post(ping::ping))
        .route("/trace", post(trace::trace))
        .route("/offers", get(services::list).post(services::keep))
        .route("/offers/held", post(services::hold))
        .route("/offers/{name}", delete(services::withdraw))
        .route("/shares", get(shares::shares).post(shares::share))
        .route(
            "/shares/{share}",
            get(shares::my_share).delete(shares::unshare),
        )
        .route("/shares/{share}/audience", post(shares::set_audience))
        .route("/albums", post(albums::make))
        .route("/albums/{album}", delete(albums::delete))
        .route(
            "/albums/{album}/files/{*path}",
            put(albums::put).post(albums::add).delete(albums::remove),
        )
        .route("/pictures/traces", post(pictures::traces))
        .route("/folders", get(folders::look).post(folders::make))
        .route("/files/{*source}", get(files::read))
        .route("/previews/{*source}", get(previews::read))
        .route("/ls", get(listing::list))
        .route("/head", get(listing::head))
        .route("/remembered", get(remembered::list))
        .route("/get", post(getting::get))
        .route("/transfers", get(transfers::list).post(transfers::begin))
        .route("/transfers/{id}/files/{*path}", get(files::read_fetched))
        .route("/transfers/{id}/priority", post(transfers::prioritise))
        .route("/transfers/{id}/pause", post(transfers::pause))
        .route("/transfers/{id}/resume", post(transfers::resume))
        .route("/transfers/{id}/again", post(transfers::again))
        .route("/transfers/{id}/cancel", post(transfers::cancel))
        .route("/limits", get(limits::read).post(limits::change))
        .route("/forwards", post(services::forward))
        .route("/content-urls", post(content_urls::make))
        .route("/site-urls", post(content_urls::make_site))
        .route("/tokens", get(access::tokens))
        .route("/tokens/{id}", delete(access::revoke_token))
        .route("/web/browsers", get(access::browsers))
        .route("/web/browsers/{id}", delete(access::end_browser))
        .route("/openapi.json", get(document::read))
}
