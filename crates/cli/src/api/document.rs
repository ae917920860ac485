//! The API as OpenAPI tells it; a test pins it.

use axum::Json;
use utoipa::openapi::{self, ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use super::{
    access, albums, contacts, content_urls, doctor, events, files, folders, getting, guests,
    invites, limits, listeners, listing, network, node, pictures, ping, previews, raw, recognise,
    remembered, services, settings, shares, trace, transfers,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "kith",
        description = "The local API of a running node, on the Unix socket of its data directory, and on a loopback port for browsers and programs \
            that were let in. A failed call answers \
            {kind, message}; one whose answer is application/x-ndjson sends a line for each result, and {failure: {kind, \
            message}} as its last when the work failed."
    ),
    paths(
        node::read,
        node::status,
        guests::join,
        doctor::examine,
        events::follow,
        network::read,
        settings::read,
        settings::change,
        settings::add_introducer,
        settings::remove_introducer,
        recognise::recognise,
        albums::make,
        albums::delete,
        albums::add,
        albums::put,
        albums::remove,
        invites::create,
        invites::list,
        invites::end,
        contacts::list,
        contacts::add,
        contacts::read,
        contacts::remove,
        contacts::told,
        contacts::rename,
        contacts::tag,
        contacts::note,
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
        shares::share,
        shares::shares,
        shares::my_share,
        shares::unshare,
        shares::set_audience,
        listing::list,
        listing::head,
        remembered::list,
        getting::get,
        transfers::list,
        transfers::begin,
        folders::look,
        folders::make,
        files::read,
        previews::read,
        pictures::traces,
        files::read_fetched,
        transfers::prioritise,
        transfers::pause,
        transfers::resume,
        transfers::again,
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
    components(schemas(crate::failure::Failure)),
    modifiers(&Failures, &Names)
)]
struct Document;

/// Every call may fail, and then answers the same way.
struct Failures;

impl Modify for Failures {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let body = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Failure")))
            .build();
        let failure = ResponseBuilder::new()
            .description("what went wrong, and what to do next")
            .content("application/json", body)
            .build();
        for item in document.paths.paths.values_mut() {
            let calls = [
                &mut item.get,
                &mut item.put,
                &mut item.post,
                &mut item.delete,
            ];
            for call in calls.into_iter().flatten() {
                let told = RefOr::T(failure.clone());
                call.responses.responses.insert("default".to_owned(), told);
            }
        }
    }
}

/// Calls are named by what they are and where, because handlers of several modules have one name.
struct Names;

impl Modify for Names {
    fn modify(&self, document: &mut openapi::OpenApi) {
        for (path, item) in &mut document.paths.paths {
            let place = path.trim_start_matches("/api/v1").replace(['{', '}'], "");
            let place = place.replace(['/', '-', '.'], "_");
            let calls = [
                ("get", &mut item.get),
                ("put", &mut item.put),
                ("post", &mut item.post),
                ("delete", &mut item.delete),
            ];
            for (method, call) in calls {
                if let Some(call) = call {
                    call.operation_id = Some(format!("{method}{place}"));
                }
            }
        }
    }
}

/// The document.
pub(super) async fn read() -> Json<openapi::OpenApi> {
    Json(Document::openapi())
}
