//! The API as OpenAPI tells it; a test pins it.

use axum::Json;
use utoipa::OpenApi;

use super::{
    access, contacts, content_urls, contents, doctor, events, files, invites, limits, listeners,
    node, ping, raw, services, trace, transfers,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "kith",
        description = "The local API of a running node, on the Unix socket of its data directory. A failed call answers \
            {kind, message}; one whose answer is application/x-ndjson sends a line for each result, and {failure: {kind, \
            message}} as its last when the work failed."
    ),
    paths(
        node::read,
        node::status,
        doctor::examine,
        events::follow,
        invites::create,
        contacts::list,
        contacts::add,
        contacts::read,
        contacts::remove,
        contacts::told,
        contacts::rename,
        contacts::tag,
        contacts::words,
        contacts::compare_words,
        contacts::confirm,
        contacts::block,
        contacts::unblock,
        ping::ping,
        trace::trace,
        raw::pipe,
        raw::take,
        raw::outcome,
        raw::finish,
        listeners::listen,
        services::list,
        services::keep,
        services::hold,
        services::withdraw,
        services::forward,
        contents::share,
        contents::shares,
        contents::my_share,
        contents::unshare,
        contents::list,
        contents::get,
        transfers::list,
        transfers::begin,
        files::read,
        files::read_fetched,
        transfers::prioritise,
        transfers::pause,
        transfers::resume,
        transfers::cancel,
        limits::read,
        limits::change,
        content_urls::make,
        content_urls::make_site,
        access::make_code,
        access::browsers,
        access::end_browser,
        access::make_token,
        access::tokens,
        access::revoke_token,
    ),
    components(schemas(crate::failure::Failure))
)]
struct Document;

/// The document.
pub(super) async fn read() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
