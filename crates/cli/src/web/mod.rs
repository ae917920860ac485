//! The door on TCP, for browsers and other programs of this machine; the API behind it is that of the Unix socket.
//!
//! Whoever runs a program on this machine, and whoever's page is open in its browser, can send requests to loopback. So each is asked
//! for which origin it is, by whom, and from which page, before anything is read of it.
//!
//! - [`listener`]: where it is. [`connections`]: what a connection may cost. [`answering`]: what each origin answers, and to whom.
//! - [`origin`]: the names of the origins, and whether another page is behind a request.
//! - [`admission`]: codes, cookies and tokens. [`kept`]: what is kept of them.
//! - [`headers`]: what browsers are told with each answer. [`assets`]: the app's own files. [`page`]: pages of words.
//! - [`content`]: the second origin, for what came from peers; [`capability`]: the addresses there. [`site`]: shares that are pages.
//! - [`access`]: all this, as the rest of the program sees it.

mod access;
mod admission;
mod answering;
mod assets;
mod capability;
mod connections;
mod content;
mod headers;
mod kept;
mod listener;
mod origin;
mod page;
mod site;

pub(crate) use access::{ContentUrl, ThisBrowser, Web};
pub(crate) use admission::{CODE_LIFE_MS, TokenError};
pub(crate) use listener::{Listening, PORT_DEFAULT};
