// Made by `npm run api` of the daemon's OpenAPI document. Do not edit.

export interface paths {
    "/api/v1/albums": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes an album: an empty folder of the node's own, shared. */
        post: operations["post_albums"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/albums/{album}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Takes an album back, and deletes all that was put into it: the node's own copies, which may be the only ones. What others fetched stays theirs. */
        delete: operations["delete_albums_album"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/albums/{album}/files/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Puts a file into an album: the request's body, which appears under its name when it is whole. It replaces what is there. */
        put: operations["put_albums_album_files_path"];
        /** Adds a file to an album: the request's body, which appears when it is whole. Where something else is called so already it gets a number, and nothing is replaced; the answer says its path. One that is there with the same content is not added again, so a call may be made anew whose answer was lost. */
        post: operations["post_albums_album_files_path"];
        /** Takes a file out of an album; it is gone then. */
        delete: operations["delete_albums_album_files_path"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/contacts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All contacts, by name. */
        get: operations["get_contacts"];
        put?: never;
        /**
         * Becomes the contact of an invite's maker.
         * @description Waits up to 5 s for them to let this node in: where they refuse, nobody is added and this fails (`not_found`); where they are
         *     away, they learn of it later.
         */
        post: operations["post_contacts"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/contacts/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One contact. */
        get: operations["get_contacts_name"];
        put?: never;
        post?: never;
        /** Forgets a contact. Answers who it was. */
        delete: operations["delete_contacts_name"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/contacts/{name}/block": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Serves and answers a contact nothing from now on. */
        post: operations["post_contacts_name_block"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/contacts/{name}/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Lets a pending contact into the audience `contacts`.
         * @description Fails (`not_allowed`) for somebody who was blocked, until both have met anew by an invite.
         */
        post: operations["post_contacts_name_confirm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/contacts/{name}/note": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Writes down something about a contact, in place of what was there. It is told to nobody. */
        post: operations["post_contacts_name_note"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/contacts/{name}/rename": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Calls a contact something else. */
        post: operations["post_contacts_name_rename"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/contacts/{name}/tags": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Gives a contact tags, and takes others away. */
        post: operations["post_contacts_name_tags"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/contacts/{name}/told": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Waits until the maker of an accepted invite knows of this node, or finds a sealed reply at an introducer.
         * @description Fails where they refuse (`not_found`); nobody is added then.
         */
        post: operations["post_contacts_name_told"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/contacts/{name}/unblock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Undoes a block. Nothing is shared with them any more: to meet again takes a new invite, by either. */
        post: operations["post_contacts_name_unblock"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/contacts/{name}/words": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The words by which two people check that nobody stands between them. */
        get: operations["get_contacts_name_words"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/contacts/{name}/words/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Compares four words made for this one time, over the session that stands. Both sides have to ask; waits for the other. */
        post: operations["post_contacts_name_words_live"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/content-urls": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes addresses at which browsers read content, without a cookie and in a sandbox. */
        post: operations["post_content_urls"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/doctor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Looks at what it takes to be reached. */
        post: operations["post_doctor"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Follows what happens from now on. A client that was away, or is slow, is told by `missed` that it missed something. */
        get: operations["get_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/files/{source}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A file of any share, or a range of it: of an own share where it lies; of somebody else's it need not have been fetched, and just what
         *     is read is.
         */
        get: operations["get_files_source"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/folders": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The folders in a folder of this machine. Nothing is changed or shared. */
        get: operations["get_folders"];
        put?: never;
        /** Makes a folder in a folder of this machine, and tells of it. Nothing that is there is touched. */
        post: operations["post_folders"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/forwards": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes a contact's service reachable at a local address, for as long as the call lasts. It is not begun where they say that they offer none of
         *     that name; where they are away it is, and leads to the service once they are there.
         */
        post: operations["post_forwards"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/get": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Fetches what somebody shares, for as long as the call lasts; a later call goes on where it ended. A transfer of the same that is under way is
         *     followed instead, and what the node goes on with by itself outlasts the call.
         */
        post: operations["post_get"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/guests": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Has the node stay for as long as the call lasts, where it does what is needed. That of a command ends with its last guest. */
        post: operations["post_guests"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/head": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a share is now, and whether it is where it is shared from, as its owner says. Contacts are told when that changes (`offered` among the events);
         *     whoever holds a link asks.
         */
        get: operations["get_head"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/introducers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Uses one more introducer, from now on and in config.toml. */
        post: operations["post_introducers"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/introducers/remove": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Uses an introducer no more, from now on and in config.toml. */
        post: operations["post_introducers_remove"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invites": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The invites that can still be used, the oldest first. */
        get: operations["get_invites"];
        put?: never;
        /** Makes an invite. */
        post: operations["post_invites"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invites/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends an invite: whoever comes by it from now on is a stranger. Who came by it before stays. Answers what it was. */
        delete: operations["delete_invites_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/limits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What holds. */
        get: operations["get_limits"];
        put?: never;
        /** Changes what holds, from now on and in config.toml. */
        post: operations["post_limits"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/listeners": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Listens for streams in a protocol, for as long as the call lasts; a line for each. */
        post: operations["post_listeners"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/ls": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What others share. */
        get: operations["get_ls"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/network": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What this node knows of the network: its sessions, over which paths, and its introducers. */
        get: operations["get_network"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/node": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who the node is. */
        get: operations["get_node"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/offers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What is offered for good. */
        get: operations["get_offers"];
        put?: never;
        /** Offers a service for good; it takes the place of one of the same name and transport. */
        post: operations["post_offers"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/offers/held": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Offers a service for as long as the call lasts. */
        post: operations["post_offers_held"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/offers/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends an offer. */
        delete: operations["delete_offers_name"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pictures/traces": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Looks what pictures say beside their pixels. Nothing is changed or shared. */
        post: operations["post_pictures_traces"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/ping": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pings a peer; a line for each answer. */
        post: operations["post_ping"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pipe": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Opens a stream to a peer; the call becomes it. */
        post: operations["post_pipe"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/previews/{source}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A small picture of a picture in a share, upright and without anything beside its pixels. */
        get: operations["get_previews_source"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/recognise": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Says what a text is, and does nothing with it. */
        post: operations["post_recognise"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/remembered": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What contacts shared when they last said, whether they are there or not. `ls` with `here` says what lay in it, as far as somebody looked. */
        get: operations["get_remembered"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What holds. */
        get: operations["get_settings"];
        put?: never;
        /** Changes what holds, from now on (`public_server`: from the next start on) and in config.toml. */
        post: operations["post_settings"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/shares": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What is shared here, and copies of what others share. */
        get: operations["get_shares"];
        put?: never;
        /** Shares files where they lie. */
        post: operations["post_shares"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/shares/{share}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One share of this node, or one copy. */
        get: operations["get_shares_share"];
        put?: never;
        post?: never;
        /** Takes a share back, or provides a copy no longer. */
        delete: operations["delete_shares_share"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/shares/{share}/audience": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Shares something with others than until now. Who may not have it any more gets nothing from then on; who comes in addition has it at once. */
        post: operations["post_shares_share_audience"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/site-urls": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Opens a share that is a site, at an origin of its own, where its scripts run in a sandbox. */
        post: operations["post_site_urls"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the node is doing. */
        get: operations["get_status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/streams/{number}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Waits until a stream is over, and says how it ended. */
        get: operations["get_streams_number"];
        put?: never;
        /** Takes an incoming stream that a listener was told of; the call becomes it. */
        post: operations["post_streams_number"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/streams/{number}/finish": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Announces the last bytes of a stream: their end, when it comes, is meant. Without it the end of a caller's bytes is that of
         *     somebody who was killed, and the peer sees that the stream broke.
         */
        post: operations["post_streams_number_finish"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The programs that were let in. */
        get: operations["get_tokens"];
        put?: never;
        /** Lets a program in by TCP. On the socket only. */
        post: operations["post_tokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Lets a program in no more. */
        delete: operations["delete_tokens_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/trace": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Reaches a peer and tells each step. */
        post: operations["post_trace"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/transfers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What is being fetched and served, and what has been fetched lately. */
        get: operations["get_transfers"];
        put?: never;
        /** Begins to fetch, and leaves it to the node: it goes on when the call is over, and after a restart. */
        post: operations["post_transfers"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/transfers/{id}/again": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Fetches the same as a transfer that has failed or is done once more, in its place: into another folder, or adding what is missing to the one that is
         *     there already.
         */
        post: operations["post_transfers_id_again"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/transfers/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends transfers, and forgets those that are over. */
        post: operations["post_transfers_id_cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/transfers/{id}/files/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A file of a transfer, or a range of it, as its bytes arrive, and afterwards. What is asked for is fetched first. */
        get: operations["get_transfers_id_files_path"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/transfers/{id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stops transfers where they are. */
        post: operations["post_transfers_id_pause"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/transfers/{id}/priority": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Says how soon a file of a transfer is wanted, or a folder with all beneath it. It holds at once. */
        post: operations["post_transfers_id_priority"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/transfers/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Goes on with transfers that are paused or have failed. */
        post: operations["post_transfers_id_resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/web/browsers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The browsers that were let in. */
        get: operations["get_web_browsers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/web/browsers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Lets a browser in no more. */
        delete: operations["delete_web_browsers_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/web/codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes an address that lets one browser in. On the socket only. */
        post: operations["post_web_codes"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description An own share that cannot be given to anybody, because it is not where it is shared from. */
        AbsentShare: {
            /** @description What it is called. */
            name: string;
            /** @description What is not there, or cannot be read. */
            path: string;
            /** @description Its id. */
            share_id: string;
            /** @description Whether that is because its disk does not answer; left out where it does. */
            silent?: boolean;
        };
        /** @description Somebody's invite. */
        AddRequest: {
            /** @description The invite. */
            invite: string;
            /** @description What to call its maker; what they call themselves when left out. */
            name?: string | null;
        };
        /** @description Who was added. */
        Added: {
            /** @description The petname. */
            name: string;
            /** @description Who it is. */
            peer_id: string;
            /**
             * @description Whether they have yet to confirm this node before it is among their contacts: the invite is for many, and they have not shown that they have.
             *     Left out where they need not.
             */
            to_be_confirmed?: boolean;
        };
        /** @description Where to fetch it again. */
        AgainRequest: {
            /**
             * @description Whether what is missing is added to what is there already under its name. Nothing there is replaced.
             * @default false
             */
            adds?: boolean;
            /**
             * @description The absolute path of the folder in which it appears; the one of before when left out.
             * @default null
             */
            out?: string | null;
        };
        /** @description A file that is in an album now. */
        AlbumFile: {
            /** @description Whether it was there before, by this name and with this content, so that nothing was added. */
            already_there: boolean;
            /**
             * Format: int64
             * @description Its size.
             */
            bytes: number;
            /** @description Its path in the album. */
            path: string;
        };
        /** @description A file that is in an album no more. */
        AlbumFileRemoved: {
            /** @description Its path in the album. */
            path: string;
        };
        /** @description An album to be made. */
        AlbumRequest: {
            /** @description Who may have it: `contacts`, `named`, `link` or `public`. When left out, `named` where somebody is, else what the settings say. */
            audience?: string | null;
            /** @description Whether what is put into it is put there without what pictures say beside their pixels; what is no whole JPEG, PNG, WebP, HEIC, AVIF, MP4 or MOV is refused then. */
            bare?: boolean;
            /** @description What it is called; also its folder below `albums/` of the data directory. */
            name: string;
            /** @description The named contacts, petnames or PeerIds. */
            with?: string[];
        };
        /** @description Who may have something from now on. */
        AudienceRequest: {
            /** @description `contacts`, `named`, `link` or `public`. */
            audience: string;
            /** @description The named contacts, petnames or PeerIds: all of them, whoever was named before. */
            with?: string[];
        };
        /** @description Who was blocked. */
        Blocked: components["schemas"]["ContactInfo"] & {
            /** @description Whether a share of this node opens by its link: to whoever holds that, without asking who they are, and so to them as well. */
            links_open?: boolean;
        };
        /** @description A browser that was let in. */
        BrowserInfo: {
            /**
             * Format: int32
             * @description Its number.
             */
            id: number;
            /**
             * Format: int64
             * @description When it was here last, to the day, in milliseconds since 1970.
             */
            seen: number;
            /**
             * Format: int64
             * @description When it was let in, in milliseconds since 1970.
             */
            since: number;
            /** @description Whether it is the one that asks. */
            this: boolean;
        };
        /** @description How to end it. */
        CancelRequest: {
            /** @description Whether to keep what arrived of what is not whole yet, for the next time; it is deleted else. */
            keep: boolean;
        };
        /** @description One thing looked at. */
        Check: {
            /** @description What helps, where something does. */
            advice?: string | null;
            /** @description What was looked at, in a word. */
            check: string;
            /** @description What was found. */
            message: string;
            /** @description Whether it is as it should be. */
            ok: boolean;
            /** @description How that is done in a terminal. */
            shell?: string | null;
        };
        /** @description A contact as it is now. */
        ContactInfo: {
            /**
             * Format: int64
             * @description When they were last here, in milliseconds since 1970: now, where a session stands, and nothing where they never were. Nobody
             *     else is told.
             */
            last_seen?: number | null;
            /** @description Whether they are known to have this node in their book. */
            mutual: boolean;
            /** @description The petname. */
            name: string;
            /** @description What the owner wrote down about them; empty where nothing is. Nobody else is told. */
            note: string;
            /** @description Whether a session stands. */
            online: boolean;
            /** @description What carries it. */
            path: components["schemas"]["Path"];
            /** @description Who it is. */
            peer_id: string;
            /**
             * Format: double
             * @description Its round trip, in milliseconds.
             */
            rtt_ms?: number | null;
            /** @description How they were last found since the node runs: `invite`, `session`, `introducer` or `lan`. */
            source?: string | null;
            /** @description What they were last known to speak. */
            speaks: string[];
            /** @description How far they are let in. */
            state: components["schemas"]["Standing"];
            /** @description Its tags. */
            tags: string[];
            takes_you_for?: components["schemas"]["Taken"] | null;
        };
        /** @description An address for browsers, and for nobody else to know. */
        ContentUrl: {
            /**
             * Format: int64
             * @description Until when, in milliseconds since 1970. Asked for again within hours it is the same.
             */
            expires: number;
            /** @description What was asked for. */
            path: string;
            /** @description Where it is read; to a folder's, `/` and the percent-encoded path of what is in it are appended. */
            url: string;
        };
        /** @description For which content. */
        ContentUrlRequest: {
            /**
             * @description Paths of this API below `/api/v1`, each a file or a folder of a share (`/files/alice/holiday/sea.jpg`, `/files/alice/holiday`) or
             *     of a transfer (`/transfers/7/files`); each segment percent-encoded.
             */
            paths: string[];
        };
        /** @description Somebody who is let in no more. */
        Ended: {
            /**
             * Format: int32
             * @description Its number.
             */
            id: number;
        };
        /** @description A way in for one browser. */
        Entrance: {
            /**
             * Format: int64
             * @description Until when, in milliseconds since 1970.
             */
            expires: number;
            /** @description To be opened in it, once. */
            url: string;
        };
        /** @description A failed command. Also the body of a failed API call, so that a daemon's refusal reaches the shell as it was meant. */
        Failure: {
            /** @description Whether something was not fetched because something else lies where it should go: another folder helps then, or to add what is missing. */
            exists?: boolean;
            /** @enum {string} */
            kind: "failed" | "usage" | "not_found" | "not_allowed" | "not_verified";
            /** @description What happened, to whom, and what to do next. */
            message: string;
            /** @description Whether what somebody was to be called is what is wrong, and nothing else that was asked for. */
            of_name?: boolean;
            /** @description What to type in a terminal then; an app says `message` alone. */
            shell?: string | null;
        };
        /** @description What somebody was given of a share. */
        FetchInfo: {
            /**
             * Format: int64
             * @description Bytes of files, in all.
             */
            bytes: number;
            /**
             * Format: int64
             * @description When the first were given, in milliseconds since 1970.
             */
            first: number;
            /**
             * Format: int64
             * @description When the last were.
             */
            last: number;
            /** @description By name, where they are a contact; left out for all who came as strangers, by a link or to a public share. */
            peer?: string | null;
            /** @description Who. */
            peer_id?: string | null;
            /** @description Whether they were given as many bytes of one version as it holds. */
            whole: boolean;
        };
        /** @description How soon a file of a transfer is wanted, or a folder with all beneath it. */
        FilePriority: {
            /** @description `high`, `normal`, `low`, or `unwanted`: not now. */
            level: string;
            /** @description Its path below what is fetched, written with `/`; empty for everything. */
            path: string;
        };
        /** @description A folder of this machine, and those in it. */
        FolderInfo: {
            /** @description The names of the folders in it, sorted; without hidden ones, which begin with a dot. */
            folders: string[];
            /** @description Whether there are more than are told. */
            is_cut: boolean;
            /** @description Whether something can be put into it. */
            is_writable: boolean;
            /** @description The folder that it lies in; none for the root. */
            parent?: string | null;
            /** @description Where it is, links followed. */
            path: string;
            /** @description Where people keep things on this machine. */
            places: components["schemas"]["FolderPlace"][];
        };
        /** @description A folder where people keep things. */
        FolderPlace: {
            /** @description `home`, `desktop`, `pictures`, `videos`, `documents`, `downloads` or `root`. */
            kind: string;
            /** @description Where it is. */
            path: string;
        };
        /** @description Whose service to reach, and where from. */
        ForwardRequest: {
            /** @description The local address to listen on; port 0 takes a free one. */
            listen: string;
            /** @description The service, as they offer it. */
            name: string;
            /** @description Petname or PeerId. */
            peer: string;
            /** @description UDP instead of TCP. */
            udp: boolean;
        };
        /** @description How fetching goes. */
        GetEvent: {
            /**
             * @description Whether its owner is, and it is not where they share it from: its folder was moved or removed, cannot be read, or is on a disk that is not plugged
             *     in.
             */
            absent?: boolean;
            /**
             * Format: int64
             * @description Bytes that are verified and durable, those of earlier runs too.
             */
            bytes: number;
            /** @enum {string} */
            event: "progress";
            /** @description Whether files of it have changed at their owner, who is there and has not looked at them anew yet. */
            examining?: boolean;
            /**
             * Format: int64
             * @description Files that are whole.
             */
            files: number;
            /**
             * Format: int64
             * @description The number by which it is paused, resumed and cancelled.
             */
            id: number;
            /** @description Whether it was paused, and goes on when it is resumed. */
            paused: boolean;
            /**
             * Format: int64
             * @description Bytes a second, lately.
             */
            rate: number;
            /**
             * Format: int64
             * @description All bytes there are, where that is known.
             */
            total?: number | null;
            /** @description Whether nobody who has it is there now. */
            waiting: boolean;
        } | {
            /**
             * Format: int64
             * @description Bytes of files, those of earlier runs too.
             */
            bytes: number;
            /** @enum {string} */
            event: "done";
            /**
             * Format: int64
             * @description Files.
             */
            files: number;
            /**
             * Format: int64
             * @description Symbolic links that were not made: those that lead out of what was fetched, and those among chosen files.
             */
            links_left_out: number;
            /** @description Whether it is an older version than the newest that is known here, which nobody who is there has. */
            older: boolean;
            /** @description Where it is. */
            path: string;
            /**
             * Format: double
             * @description How long this run took.
             */
            seconds: number;
            /** @description Where this run's bytes came from, all of them. */
            sources: components["schemas"]["GetSource"][];
            updated?: components["schemas"]["GetUpdated"] | null;
        };
        /** @description What to fetch. */
        GetRequest: {
            /** @description The hash of the version it must have. */
            at?: string | null;
            /**
             * @description Files that are wanted by their paths below the source, to the letter, and folders with all beneath; beside those of the patterns. At
             *     most 65,536, with 4 MiB of names.
             */
            files?: string[];
            /** @description Whether it never makes room for other copies. */
            keep: boolean;
            /** @description Patterns of the files that are wanted, 64 at most; all when there are neither these nor `files`. */
            only: string[];
            /**
             * @description The absolute path of the folder in which it appears, under its own name. Where that is a folder already, what is chosen by `only` and
             *     `files` is added to it, and nothing in it is replaced; all of a share is not, unless it is just the same.
             */
            out: string;
            /** @description How soon its files are wanted, where that is to be other than normal. */
            priorities?: components["schemas"]["FilePriority"][];
            /** @description Whether to provide it to others who may have it. */
            provide: boolean;
            /** @description A link, or `PEER/SHARE[/PATH]`. */
            source: string;
            /**
             * @description Whether what is there already under its name is brought up to date: what is new is added, and what nobody has changed here since it was got is
             *     replaced. Whatever else is there stays, and is named.
             */
            update?: boolean;
            /**
             * Format: int64
             * @description For how long to wait for someone who has it, in milliseconds.
             */
            wait_ms: number;
        };
        /** @description Somebody bytes came from. All who did not say who they are, as friends of the owner who let each other in by grants, are one, the last. */
        GetSource: {
            /**
             * Format: int64
             * @description Bytes of files.
             */
            bytes: number;
            /** @description By name, where they are a contact; none for those who did not say who they are. */
            peer?: string | null;
            /** @description By PeerId. */
            peer_id?: string | null;
        };
        /** @description What came of bringing something up to date. */
        GetUpdated: {
            /**
             * Format: int64
             * @description Files that were not here.
             */
            added: number;
            /**
             * Format: int64
             * @description Files that were deleted here, and are as they were then: they do not come again.
             */
            deleted: number;
            /** @description What is something else at its owner and stays as it is here, by the reason; each reason once. */
            kept: components["schemas"]["KeptHere"][];
            /**
             * Format: int64
             * @description How much stays as it is here, for whatever reason.
             */
            kept_count: number;
            /**
             * Format: int64
             * @description Files that were replaced, or may be run now, or may not: nobody had changed them here.
             */
            replaced: number;
        };
        /** @description What the node is to them. */
        GuestAnswer: {
            /** @description Whether it does, and stays until the call is over. */
            joined: boolean;
        };
        /** @description Who comes. */
        GuestRequest: {
            /** @description What a node is needed for. */
            purpose: components["schemas"]["Purpose"];
        };
        /** @description An introducer that is used. */
        IntroducerInfo: {
            /** @description The addresses that its line says. */
            addresses: string[];
            /** @description Whether it answered when it was asked last, as far as it was. */
            answers: boolean;
            /**
             * Format: int64
             * @description Bytes received through it on these.
             */
            bytes_received: number;
            /**
             * Format: int64
             * @description Bytes sent through its relay, as packets, on the paths that are open now.
             */
            bytes_sent: number;
            /** @description Its key. */
            device_id: string;
            /** @description Its line, by which others use it too. */
            line: string;
            /**
             * Format: double
             * @description The round trip then, in milliseconds; none where it does not answer, or was not asked yet.
             */
            rtt_ms?: number | null;
        };
        /** @description An introducer by its line. */
        IntroducerRequest: {
            /** @description `kith:introducer1…` */
            line: string;
        };
        /** @description An invite. */
        InviteMade: {
            /**
             * Format: int64
             * @description Until when it can be used, in milliseconds since 1970.
             */
            expires: number;
            /** @description Its name, by which it is listed, ended, and told of when it is used; worth nothing to others. */
            id: string;
            /** @description To be handed over as it is. */
            invite: string;
            /** @description Whether it tells its reader any place to find this node, or to leave an answer. */
            leads_somewhere: boolean;
            /** @description Whether any number of people may use it. */
            reusable: boolean;
        };
        /** @description What an invite is to be like. */
        InviteRequest: {
            /** @description Whether it says where this machine is now. A node that ends with the command has no place to name. */
            addresses: boolean;
            /** @description Whether any number of people may use it; each stays pending until confirmed. */
            reusable: boolean;
            /**
             * Format: int64
             * @description For how long it can be used, in seconds.
             */
            seconds: number;
        };
        /** @description Somebody who came by an invite. */
        InviteUser: {
            /** @description The petname. */
            name: string;
            /** @description Who it is. */
            peer_id: string;
        };
        /** @description What stays as it is here for one reason. */
        KeptHere: {
            /**
             * Format: int64
             * @description of so many.
             */
            count: number;
            /** @description Paths below the target; the first hundred, */
            paths: string[];
            /** @description The reason. */
            why: components["schemas"]["KeptWhy"];
        };
        /**
         * @description Why something stays as it is here.
         * @enum {string}
         */
        KeptWhy: "changed" | "unknown" | "occupied" | "closed" | "later";
        /** @description A contact with whom no session is kept up, because they want none. */
        LeftAlone: {
            /** @description The petname. */
            name: string;
            /** @description Who it is. */
            peer_id: string;
            /** @description What they take this node for. */
            takes_you_for: components["schemas"]["Taken"];
        };
        /** @description What is to be otherwise; what is left out stays. A rate is written as `2 MiB/s`, `16 Mbit/s`, `none` or `default`. */
        LimitsChange: {
            /** @description On these days, such as `mon`; on all when left out. Only with hours. */
            days?: string[];
            /** @description From all together, or from the peer. */
            download?: string | null;
            /** @description From each; not with a peer. */
            download_each?: string | null;
            /** @description At these hours alone, such as `22:00-06:00`; usually when left out. Not with a peer. */
            hours?: string | null;
            /** @description Whether limits hold within the local network too; not with a peer. */
            local?: boolean | null;
            /** @description Of this peer alone, by petname or PeerId; of all when left out. */
            peer?: string | null;
            /** @description To all together, or to the peer. */
            upload?: string | null;
            /** @description To each; not with a peer. */
            upload_each?: string | null;
        };
        /** @description The rates as they hold at this hour, and as they are wanted. */
        LimitsInfo: {
            /**
             * Format: int64
             * @description From all of them together.
             */
            download?: number | null;
            /**
             * Format: int64
             * @description From each of them.
             */
            download_each?: number | null;
            /** @description Whether the limits hold within the local network too. */
            local: boolean;
            /** @description The rates of single peers, near and far. */
            peers: components["schemas"]["PeerLimitsInfo"][];
            /** @description The rates of certain hours; of two periods that hold at once, the later has the say. */
            schedule: components["schemas"]["PeriodInfo"][];
            /**
             * Format: int64
             * @description To all distant peers together, in bytes a second now; none where there is no limit.
             */
            upload?: number | null;
            /**
             * Format: int64
             * @description To each of them.
             */
            upload_each?: number | null;
            /** @description What holds at hours that have no rates of their own. */
            usual: components["schemas"]["UsualLimitsInfo"];
        };
        /** @description Something that somebody shares. */
        Listed: {
            /**
             * @description Set on a share that was asked for by itself where its owner says that it is not where they share it from: its folder was moved or removed, cannot be
             *     read, or is on a disk that is not plugged in.
             */
            absent?: boolean;
            /**
             * Format: int64
             * @description Bytes of its files.
             */
            bytes: number;
            /**
             * Format: int64
             * @description Its files.
             */
            files: number;
            /** @description The hash of this version, when shares are listed. */
            hash?: string | null;
            /** @description `share`, `file`, `directory` or `symlink`. */
            kind: string;
            /**
             * @description Set on the last of a folder's entries where it has more than fit one answer, 100,000, and on the last of a contact's shares, 4,096: the rest is
             *     listed behind its name, or its id.
             */
            more?: boolean;
            /** @description What it is called. */
            name: string;
            /** @description Whose it is, when shares are listed. */
            peer?: string | null;
            /** @description Its id, when shares are listed. */
            share_id?: string | null;
        };
        /** @description What a listener is told. */
        ListenEvent: {
            /** @enum {string} */
            event: "ready";
        } | {
            /** @enum {string} */
            event: "stream";
            /** @description Who, as the address book calls them. */
            name: string;
            /**
             * Format: int64
             * @description To be taken by `POST /streams/{number}`.
             */
            number: number;
            /** @description Who. */
            peer_id: string;
        };
        /** @description What to listen for. */
        ListenRequest: {
            /** @description Only from these contacts, petnames or PeerIds; from all confirmed ones when empty. */
            from: string[];
            /** @description The protocol. */
            protocol: string;
        };
        /** @description Something that happened: `event` is the event's name, `data` its data. */
        LiveEvent: {
            /** @description Somebody is in the address book. */
            data: components["schemas"]["PeerEvent"];
            /** @enum {string} */
            event: "added";
        } | {
            /** @description A contact is called otherwise, tagged, confirmed, or speaks something else. */
            data: components["schemas"]["PeerEvent"];
            /** @enum {string} */
            event: "changed";
        } | {
            /** @description Somebody is in the address book no more. */
            data: components["schemas"]["PeerEvent"];
            /** @enum {string} */
            event: "removed";
        } | {
            /** @description Somebody is blocked. */
            data: components["schemas"]["PeerEvent"];
            /** @enum {string} */
            event: "blocked";
        } | {
            /** @description An invite for one was used. */
            data: {
                /** @description Which. */
                invite_id: string;
                /** @description By whom. */
                peer_id: string;
            };
            /** @enum {string} */
            event: "invite_used";
        } | {
            /** @description A session with somebody stands. */
            data: components["schemas"]["PeerEvent"];
            /** @enum {string} */
            event: "online";
        } | {
            /** @description No session with somebody stands any more. */
            data: components["schemas"]["PeerEvent"];
            /** @enum {string} */
            event: "offline";
        } | {
            /** @description Somebody was looked for in vain. */
            data: {
                /** @description Who. */
                peer_id: string;
                /** @description Why, and what helps. */
                reason: string;
            };
            /** @enum {string} */
            event: "unreachable";
        } | {
            /** @description Somebody said what they speak. */
            data: {
                /** @description Who. */
                peer_id: string;
                /** @description The protocols. */
                protocols: string[];
            };
            /** @enum {string} */
            event: "speaks";
        } | {
            /** @description It is known where somebody is. */
            data: {
                /** @description Who. */
                peer_id: string;
                /** @description Who told. */
                source: string;
            };
            /** @enum {string} */
            event: "found";
        } | {
            /** @description A share of this node has a new version, because its files changed. */
            data: {
                /**
                 * Format: int64
                 * @description Bytes of its files.
                 */
                bytes: number;
                /**
                 * Format: int64
                 * @description Its files.
                 */
                files: number;
                /** @description The hash of the new version. */
                hash: string;
                /** @description What it is called. */
                name: string;
                /** @description Which. */
                share_id: string;
            };
            /** @enum {string} */
            event: "share_changed";
        } | {
            /** @description Something is shared here, or provided as a copy, that was not; or it is no longer. */
            data: {
                /** @description Which share. */
                share_id: string;
            };
            /** @enum {string} */
            event: "listed";
        } | {
            /** @description Somebody was given something of a share of this node. */
            data: {
                /** @description Who; `null` for a stranger. */
                peer_id?: string | null;
                /** @description Of which. */
                share_id: string;
            };
            /** @enum {string} */
            event: "fetched";
        } | {
            /** @description A contact says that something they share is new, has a new version, or was taken back. */
            data: {
                /** @description Who. */
                peer_id: string;
                /** @description Which share. */
                share_id: string;
            };
            /** @enum {string} */
            event: "offered";
        } | {
            /** @description A transfer is otherwise than before. */
            data: components["schemas"]["TransferEvent"];
            /** @enum {string} */
            event: "transfer";
        } | {
            /** @description What is served now: once a second, and for the last time when it is nothing. */
            data: {
                /** @description All of it. */
                uploads: components["schemas"]["TransferInfo"][];
            };
            /** @enum {string} */
            event: "uploads";
        } | {
            /** @description The network, for clients who ask for it. */
            data: components["schemas"]["NetworkInfo"];
            /** @enum {string} */
            event: "network";
        } | {
            /** @description What the owner wants is otherwise: settings, limits, introducers; or somebody is let in no more. */
            data: Record<string, never>;
            /** @enum {string} */
            event: "settings";
        } | {
            /** @description The client missed events: all of them since it was here last, or the oldest because it was slow. */
            data: {
                /**
                 * Format: int64
                 * @description How many; `null` where nobody counted.
                 */
                count?: number | null;
            };
            /** @enum {string} */
            event: "missed";
        };
        /** @description What this node knows of the network. */
        NetworkInfo: {
            /** @description The introducers it uses. */
            introducers: components["schemas"]["IntroducerInfo"][];
            /** @description This node. */
            peer_id: string;
            /** @description The connections that stand. */
            sessions: components["schemas"]["NetworkSession"][];
        };
        /** @description One path of a connection. */
        NetworkPath: {
            /**
             * Format: int64
             * @description Bytes received over it, as packets.
             */
            bytes_received: number;
            /**
             * Format: int64
             * @description Bytes sent over it, as packets.
             */
            bytes_sent: number;
            /** @description What carries it. */
            path: components["schemas"]["Path"];
            /**
             * Format: double
             * @description The round trip, in milliseconds.
             */
            rtt_ms: number;
            /** @description Whether data takes it now. */
            selected: boolean;
        };
        /** @description One connection. */
        NetworkSession: {
            /**
             * Format: int64
             * @description Bytes received since it stands, as packets.
             */
            bytes_received: number;
            /**
             * Format: int64
             * @description Bytes sent since it stands, as packets.
             */
            bytes_sent: number;
            /** @description The device there. */
            device_id: string;
            /** @description On which of our faces. */
            face: string;
            /** @description Who told where they are, when they were looked for last: `invite`, `lan`, `introducer` and so on. */
            found_by?: string | null;
            /** @description The peer there, by name where it is a contact; absent for a stranger. */
            name?: string | null;
            /** @description What carries it now. */
            path: components["schemas"]["Path"];
            /** @description The paths that are open, the one that data takes first. */
            paths: components["schemas"]["NetworkPath"][];
            /** @description The peer there. */
            peer_id?: string | null;
            /**
             * Format: double
             * @description The round trip over that, in milliseconds.
             */
            rtt_ms?: number | null;
            /**
             * Format: int64
             * @description For how long its connection has stood, in seconds.
             */
            seconds: number;
            /**
             * Format: int32
             * @description Streams that are open.
             */
            streams: number;
        };
        /** @description A folder to be made. */
        NewFolder: {
            /** @description What it is called: one name, which is not hidden. */
            name: string;
            /** @description The whole path of the folder in which it is made. */
            path: string;
        };
        /** @description Who a node is. */
        NodeInfo: {
            /** @description Whether the node goes on when the present command is over. */
            daemon: boolean;
            /** @description This device: the key of its public face, which stays. */
            device_id: string;
            /** @description The keys its faces present now, by face. */
            faces: {
                [key: string]: string;
            };
            /** @description The peer. */
            peer_id: string;
        };
        /** @description Something to remember about somebody. */
        NoteRequest: {
            /** @description The text, in place of the last; empty for none. At most 4096 bytes. */
            note: string;
        };
        /** @description A service and who may use it. */
        OfferInfo: {
            /** @description Where it listens. */
            address: string;
            /** @description What contacts call it. */
            name: string;
            /** @description For these contacts, petnames or PeerIds; for all confirmed ones when empty. */
            to: string[];
            /** @description Whether it is UDP instead of TCP. */
            udp: boolean;
        };
        /** @description An invite that can still be used. Its text is not told again. */
        OpenInvite: {
            /**
             * Format: int64
             * @description Until when it can be used, in milliseconds since 1970.
             */
            expires: number;
            /** @description Its name. */
            id: string;
            /**
             * Format: int64
             * @description When it was made, in milliseconds since 1970.
             */
            made: number;
            /** @description Whether any number of people may use it. */
            reusable: boolean;
            /** @description Who came into the address book by it and is still there. */
            used_by: components["schemas"]["InviteUser"][];
        };
        /**
         * @description What carries a session.
         * @enum {string}
         */
        Path: "direct" | "relay" | "none";
        /** @description Somebody something happened to. */
        PeerEvent: {
            /** @description Who. */
            peer_id: string;
        };
        /** @description The rates of one peer. */
        PeerLimitsInfo: {
            /** @description From them. */
            download?: string | null;
            /** @description By name, where they are a contact. */
            peer: string;
            /** @description Who. */
            peer_id: string;
            /** @description To them, as `2 MiB/s` or `none`; as for each where nothing is said. */
            upload?: string | null;
        };
        /** @description The rates of certain hours, as `2 MiB/s` or `none`; as usually where nothing is said. */
        PeriodInfo: {
            /** @description On which days it begins, such as `mon`; none for all. */
            days: string[];
            /** @description From all of them together. */
            download?: string | null;
            /** @description From each of them. */
            download_each?: string | null;
            /** @description Such as `22:00-06:00`, where the node is. */
            hours: string;
            /** @description To all distant peers together. */
            upload?: string | null;
            /** @description To each of them. */
            upload_each?: string | null;
        };
        /** @description Whom to ping. */
        PingRequest: {
            /**
             * Format: int32
             * @description How many times.
             */
            count: number;
            /**
             * Format: int64
             * @description Time between two pings, in milliseconds.
             */
            interval_ms: number;
            /** @description Petname or PeerId. */
            peer: string;
        };
        /** @description To whom, and in what. */
        PipeRequest: {
            /** @description Petname or PeerId. */
            peer: string;
            /** @description The protocols to offer, best first. */
            protocols: string[];
        };
        /** @description One answer. */
        Pong: {
            /** @description Over which path. */
            path: components["schemas"]["Path"];
            /**
             * Format: double
             * @description From asking to answer, in milliseconds. The first includes whatever it took to reach them.
             */
            rtt_ms: number;
            /**
             * Format: int64
             * @description Which ping, counted from 1.
             */
            seq: number;
        };
        /**
         * @description What a node is run for; each serves for those before it too.
         * @enum {string}
         */
        Purpose: "look" | "book" | "reach" | "serve" | "daemon";
        /** @description A text. */
        RecogniseRequest: {
            /** @description As it was pasted; it may stand amid other words. */
            text: string;
        };
        /** @description What it is. Names in it are somebody's own words. */
        RecognisedText: {
            /** @description What they are called here, where they are a contact. */
            contact?: string | null;
            /** @description Whether its time is over. */
            expired: boolean;
            /**
             * Format: int64
             * @description Until when it is good, in milliseconds since 1970.
             */
            expires: number;
            /** @enum {string} */
            kind: "invite";
            /** @description Whether this node made it. */
            own: boolean;
            /** @description Whose it is. */
            peer_id: string;
            /** @description Whether any number of people may use it; each stays pending until confirmed. */
            reusable: boolean;
            /** @description What they call themselves; empty where they do not say. */
            suggested_name: string;
            /** @description As it was recognised, to be added. */
            text: string;
        } | {
            /** @description What they are called here, where they are a contact. */
            contact?: string | null;
            /** @enum {string} */
            kind: "link";
            /** @description What its owner calls it. */
            name: string;
            /** @description Whether it opens the share for whoever holds it. */
            opens: boolean;
            /** @description Whether it is this node's own share. */
            own: boolean;
            /** @description Whose it is. */
            peer_id: string;
            /** @description Which share. */
            share_id: string;
            /** @description As it was recognised, to be fetched. */
            text: string;
        } | {
            /** @enum {string} */
            kind: "introducer";
            /** @description As it was recognised. */
            text: string;
        } | {
            /** @description What they are called here, where they are a contact. */
            contact?: string | null;
            /** @enum {string} */
            kind: "peer";
            /** @description Whether it is this node's own. */
            own: boolean;
            /** @description Whose. */
            peer_id: string;
        };
        /** @description What a contact shared when they last said. */
        RememberedInfo: {
            /**
             * Format: int64
             * @description Bytes of its files.
             */
            bytes: number;
            /**
             * Format: int64
             * @description Its files.
             */
            files: number;
            /** @description The hash of the version that it had. */
            hash: string;
            /** @description What it was called. */
            name: string;
            /** @description Whose it is, by name. */
            peer: string;
            /** @description By PeerId. */
            peer_id: string;
            /** @description Which share. */
            share_id: string;
            /**
             * Format: int64
             * @description Until when this is known to have held, in milliseconds since 1970; where another version was looked into last, when that was.
             */
            told: number;
        };
        /** @description Another name. */
        RenameRequest: {
            /** @description The new petname. */
            name: string;
        };
        /** @description Words to compare. */
        SafetyWords: {
            /** @description The petname. */
            name: string;
            /** @description Who it is. */
            peer_id: string;
            /** @description The words; both sides see the same ones. */
            words: string;
        };
        /** @description What happens with a service that goes on as long as the call. */
        ServiceEvent: {
            /** @enum {string} */
            event: "ready";
            /** @description Where: what is offered, or what leads to it. */
            listen: string;
        } | (components["schemas"]["Failure"] & {
            /** @enum {string} */
            event: "failed";
        });
        /** @description One connection. */
        Session: {
            /**
             * Format: int64
             * @description Bytes received since it stands, as packets.
             */
            bytes_received: number;
            /**
             * Format: int64
             * @description Bytes sent since it stands, as packets.
             */
            bytes_sent: number;
            /** @description On which of our faces. */
            face: string;
            /** @description The peer there, by name where it is a contact; absent for a stranger. */
            name?: string | null;
            /** @description What carries it. */
            path: components["schemas"]["Path"];
            /** @description The peer there. */
            peer_id?: string | null;
            /**
             * Format: double
             * @description The round trip, in milliseconds.
             */
            rtt_ms?: number | null;
            /**
             * Format: int32
             * @description Streams that are open.
             */
            streams: number;
        };
        /** @description What is to be otherwise; what is left out stays. */
        SettingsChange: {
            /**
             * @description Whether introducers are asked, and relay; off keeps their lines.
             * @default null
             */
            ask_introducers?: boolean | null;
            /**
             * @description With whom something is shared where nothing is said: `contacts`, `link` or `public`.
             * @default null
             */
            audience?: string | null;
            /**
             * Format: int64
             * @description How much is kept for the sake of copies, in MiB.
             * @default null
             */
            copies_mebibytes?: number | null;
            /**
             * @description Whether whoever knows the PeerId can find the public face.
             * @default null
             */
            findable?: boolean | null;
            /**
             * @description Whether contacts on the same network find this node without anybody's help.
             * @default null
             */
            lan?: boolean | null;
            /**
             * @description What to call the owner, as a petname may be; empty for nothing.
             * @default null
             */
            name?: string | null;
            /**
             * @description Whether what was fetched is provided to others who may have it.
             * @default null
             */
            provide?: boolean | null;
            /**
             * @description Whether this is a public server, whose addresses strangers learn: from the next start on.
             * @default null
             */
            public_server?: boolean | null;
            /**
             * @description Whether this node relays for its contacts, where they can reach it.
             * @default null
             */
            relay_for_contacts?: boolean | null;
            /**
             * @description Whether contacts' relays are used where no introducer answers.
             * @default null
             */
            use_contact_relays?: boolean | null;
        };
        /** @description What holds. */
        SettingsInfo: {
            /** @description Whether introducers are asked, and relay. */
            ask_introducers: boolean;
            /** @description With whom something is shared where nothing is said: `contacts`, `link` or `public`. */
            audience: string;
            /**
             * Format: int64
             * @description How much is kept for the sake of copies, in MiB.
             */
            copies_mebibytes: number;
            /** @description Whether whoever knows the PeerId can find the public face. */
            findable: boolean;
            /** @description The introducers that are used, or would be if they were asked. */
            introducers: components["schemas"]["IntroducerInfo"][];
            /** @description Whether it is one now. */
            is_public_server: boolean;
            /** @description Whether contacts on the same network find this node without anybody's help. */
            lan: boolean;
            /** @description Whether that can be switched on: not while the node runs with `--no-lan`. */
            lan_possible: boolean;
            /** @description What the owner is to be called, as a suggestion to others; empty for none. */
            name: string;
            /** @description Whether what was fetched is provided to others who may have it. */
            provide: boolean;
            /** @description Whether this is a public server, whose addresses strangers learn, from the next start on. */
            public_server: boolean;
            /** @description Whether this node relays for its contacts, where they can reach it. */
            relay_for_contacts: boolean;
            /** @description What is taken of the disk. */
            storage: components["schemas"]["StorageInfo"];
            /** @description Whether contacts' relays are used where no introducer answers. */
            use_contact_relays: boolean;
        };
        /** @description A share of this node. */
        ShareInfo: {
            /**
             * @description The first of these that is not there, or cannot be read, such as a folder on a disk that is not plugged in: nobody gets what is not there, and it
             *     goes on when it is back. Left out where all are there.
             */
            absent?: string | null;
            /** @description Whether its folder is the node's own, so that files can be put into it. */
            album: boolean;
            /** @description Who may have it: `contacts`, `named`, `link` or `public`. */
            audience: string;
            /** @description Whether its pictures are shared without what they say beside their pixels, and nothing else is. */
            bare: boolean;
            /**
             * Format: int64
             * @description Bytes of its files.
             */
            bytes: number;
            /** @description Who was given what of it by this node, the latest first; the last few hundred. */
            fetches: components["schemas"]["FetchInfo"][];
            /**
             * Format: int64
             * @description Its files.
             */
            files: number;
            /** @description The hash of this version. */
            hash: string;
            /** @description Whether it is provided for good, and makes no room for other copies: every own share is. */
            kept: boolean;
            /** @description What is not in it, and why; the first hundred of them, when it has just been made or is asked for by itself. */
            left_out: string[];
            /**
             * Format: int64
             * @description How many things that lie there are not in it.
             */
            left_out_count: number;
            /** @description The link to hand to others. */
            link: string;
            /** @description What it is called. */
            name: string;
            /** @description Whose it is, where it is a copy of somebody else's that is provided here. */
            owner?: string | null;
            /** @description Their PeerId. */
            owner_id?: string | null;
            /** @description Where it lies. */
            paths: string[];
            /** @description The contacts who provide it too, as far as they said so. */
            providers: string[];
            /** @description Its id. */
            share_id: string;
            /** @description Whether that is because its disk does not answer, as a network disk whose server is away; left out where it does. */
            silent?: boolean;
            /** @description The named contacts. */
            with: string[];
            /** @description Their PeerIds, in the same order. */
            with_peers: string[];
        };
        /** @description What to share, and with whom. */
        ShareRequest: {
            /** @description Who may have it: `contacts`, `named`, `link` or `public`. When left out, `named` where somebody is, else what the settings say. */
            audience?: string | null;
            /**
             * @description Whether pictures are shared without what they say beside their pixels (place, time, camera, words), and nothing else is: JPEG, PNG and
             *     WebP, also those that come later. The files stay as they are.
             */
            bare?: boolean;
            /** @description What to call it; the first path's own name when left out. */
            name?: string | null;
            /** @description Absolute paths of files and folders. */
            paths: string[];
            /** @description The named contacts, petnames or PeerIds. */
            with?: string[];
        };
        /** @description Of which share. */
        SiteUrlRequest: {
            /** @description A path of this API below `/api/v1` that is a folder with an `index.html`: `/files/alice/homepage`. */
            path: string;
        };
        /**
         * @description How far a contact is let in.
         * @enum {string}
         */
        Standing: "confirmed" | "pending" | "blocked";
        /** @description What a node is doing. */
        Status: {
            /** @description The own shares that are not where they are shared from. */
            absent: components["schemas"]["AbsentShare"][];
            /** @description How many contacts it has. */
            contacts: number;
            /** @description Whether the node goes on when the present command is over. */
            daemon: boolean;
            /** @description The introducers it uses. */
            introducers: string[];
            /** @description The contacts who want no session with this node. */
            left_alone: components["schemas"]["LeftAlone"][];
            /** @description The peer. */
            peer_id: string;
            /**
             * Format: int64
             * @description For how long it has run, in seconds.
             */
            seconds: number;
            /** @description The connections that stand. */
            sessions: components["schemas"]["Session"][];
            /** @description The program's version. */
            version: string;
        };
        /** @description What happened. */
        Step: {
            /** @description Whether they are known to have this node in theirs. */
            mutual: boolean;
            /** @description The petname. */
            name: string;
            /** @description Who it is. */
            peer_id: string;
            /** @enum {string} */
            step: "contact";
        } | {
            /** @description How: `invite`, `session`, `introducer` or `lan`. */
            source: string;
            /** @enum {string} */
            step: "found";
        } | {
            /** @description Whether it stood before. */
            standing: boolean;
            /** @enum {string} */
            step: "session";
        } | {
            /** @description Over which path. */
            path: components["schemas"]["Path"];
            /**
             * Format: double
             * @description In milliseconds.
             */
            rtt_ms: number;
            /** @enum {string} */
            step: "pong";
        };
        /** @description Bytes on the disk, by what they are for. */
        StorageInfo: {
            /**
             * Format: int64
             * @description The files of albums.
             */
            albums: number;
            /**
             * Format: int64
             * @description What providing copies and own shares takes beside the files.
             */
            copies: number;
            /**
             * Format: int64
             * @description Address book, shares, and all else that is known.
             */
            database: number;
            /**
             * Format: int64
             * @description What is free on the disk; `null` where the system does not say.
             */
            free?: number | null;
            /**
             * Format: int64
             * @description What is being fetched, and what was read of others' shares.
             */
            partial: number;
            /**
             * Format: int64
             * @description Small pictures of pictures, made here and given by others.
             */
            previews: number;
        };
        /** @description Tags to give and to take away. */
        TagRequest: {
            /** @description To give. */
            add?: string[];
            /** @description To take away. */
            remove?: string[];
        };
        /**
         * @description What somebody takes this node for who wants no session with it.
         * @enum {string}
         */
        Taken: "stranger" | "guest";
        /** @description A token that is good. */
        TokenInfo: {
            /**
             * Format: int32
             * @description Its number.
             */
            id: number;
            /** @description What it is for. */
            name: string;
            /**
             * Format: int64
             * @description When it was made, in milliseconds since 1970.
             */
            since: number;
        };
        /** @description A token, which is told this once. */
        TokenMade: {
            /**
             * Format: int32
             * @description Its number.
             */
            id: number;
            /** @description To be sent as `Authorization: Bearer TOKEN`. */
            token: string;
            /** @description Where to: the API is below `/api/v1`. */
            url: string;
        };
        /** @description What a token is for. */
        TokenRequest: {
            /** @description The program, say. */
            name: string;
        };
        /** @description Whom to look at. */
        TraceRequest: {
            /** @description Petname or PeerId. */
            peer: string;
        };
        /** @description One step. */
        TraceStep: components["schemas"]["Step"] & {
            /**
             * Format: double
             * @description Since the beginning, in milliseconds.
             */
            ms: number;
        };
        /** @description A file that says where it was taken. */
        TracesExample: {
            at?: components["schemas"]["TracesPosition"] | null;
            /** @description Its path. */
            path: string;
        };
        /** @description What they say. Numbers are of files. */
        TracesInfo: {
            /**
             * Format: int64
             * @description Those that say by which camera.
             */
            camera: number;
            /** @description The first of those that say where they were taken. */
            examples: components["schemas"]["TracesExample"][];
            /** @description Whether there were more files than are looked at. */
            is_cut: boolean;
            /**
             * Format: int64
             * @description Pictures and films that were looked through: JPEG, PNG, WebP, HEIC, AVIF, MP4 and MOV.
             */
            pictures: number;
            /**
             * Format: int64
             * @description Those that say where they were taken.
             */
            place: number;
            /**
             * Format: int64
             * @description Those that say when.
             */
            time: number;
            /**
             * Format: int64
             * @description Files of other kinds, and damaged ones, of which it is not known.
             */
            unknown: number;
            /**
             * Format: int64
             * @description Those that say something else: descriptions, programs, edits.
             */
            words: number;
        };
        /** @description A place on earth, in degrees. */
        TracesPosition: {
            /**
             * Format: double
             * @description To the north; below zero to the south.
             */
            latitude: number;
            /**
             * Format: double
             * @description To the east; below zero to the west.
             */
            longitude: number;
        };
        /** @description Which pictures. */
        TracesRequest: {
            /** @description Files and folders of this machine, as absolute paths. */
            paths: string[];
        };
        /** @description How far a transfer is, as events tell it. */
        TransferEvent: {
            /** @description As in the list of transfers. */
            absent: boolean;
            /**
             * Format: int64
             * @description Bytes that are verified and durable.
             */
            bytes: number;
            /** @description As in the list of transfers. */
            examining: boolean;
            /**
             * Format: int64
             * @description Its number.
             */
            id: number;
            /** @description Whose it is. */
            peer_id: string;
            /**
             * Format: int64
             * @description Bytes a second, lately.
             */
            rate: number;
            /** @description As in the list of transfers. */
            sources: components["schemas"]["TransferSource"][];
            /** @description As in the list of transfers. */
            state: string;
            /**
             * Format: int64
             * @description All bytes there are, where that is known.
             */
            total?: number | null;
            /** @description What is fetched: the share and the path in it. */
            what: string;
        };
        /** @description Something that is being fetched or served. */
        TransferInfo: {
            /**
             * @description Whether its owner is there, and it is not where they share it from: its folder was moved or removed, cannot be read, or is on a disk that is not
             *     plugged in.
             */
            absent?: boolean;
            /** @description Whether the node goes on with it by itself. */
            background: boolean;
            /** @description Whether it is fetched by a link. */
            by_link?: boolean;
            /**
             * Format: int64
             * @description Bytes that are verified and written, those of earlier runs too; or that were served.
             */
            bytes: number;
            /** @description `download` or `upload`. */
            direction: string;
            /** @description Whether files of it have changed at their owner, who is there and has not looked at them anew yet. */
            examining?: boolean;
            failure?: components["schemas"]["Failure"] | null;
            /**
             * Format: int64
             * @description Files that are whole.
             */
            files: number;
            /**
             * Format: int64
             * @description The number by which it is paused, resumed and cancelled; none for what is served.
             */
            id?: number | null;
            /** @description The folder in which it appears. */
            out?: string | null;
            /** @description Whose it is, or who is served: by name where they are a contact; none for a stranger. */
            peer?: string | null;
            /** @description By PeerId. */
            peer_id?: string | null;
            /** @description How soon its files are wanted, where that was said. */
            priorities?: components["schemas"]["FilePriority"][];
            /**
             * Format: int64
             * @description Bytes a second, lately.
             */
            rate: number;
            /**
             * Format: int64
             * @description How long it still takes at this rate, where that is known.
             */
            seconds_left?: number | null;
            /** @description Whether files of it were chosen: those are added to a folder that is there already, and nothing there is replaced. */
            selects?: boolean;
            /** @description Who gives what of it, or gave since the node began with it, those who gave most first. */
            sources?: components["schemas"]["TransferSource"][];
            /** @description `waiting` (for somebody who has it), `running`, `paused`, `done`, `failed` or `cancelled`. */
            state: string;
            /**
             * Format: int64
             * @description All bytes there are, where that is known.
             */
            total?: number | null;
            updated?: components["schemas"]["GetUpdated"] | null;
            /** @description What: the share's name, and the path in it. */
            what: string;
        };
        /** @description Somebody who gives something of a download. */
        TransferSource: {
            /** @description How much of each part they are asked for now. */
            asked: number[];
            /**
             * Format: int64
             * @description Bytes of files that came from them.
             */
            bytes: number;
            /** @description How much of each of 128 equal parts of the whole share came from them, in per cent. */
            gave: number[];
            /** @description By what it comes now: `lane` (TLS on TCP), `lan`, `direct` or `relay`; none where nothing does. */
            path?: string | null;
            /** @description By name where they are a contact; none for one that proved nothing. */
            peer?: string | null;
            /** @description By PeerId. */
            peer_id?: string | null;
            /**
             * Format: int64
             * @description Bytes a second, lately.
             */
            rate: number;
        };
        /** @description A share that is no more. */
        Unshared: {
            /** @description What it was called. */
            name: string;
            /** @description Its id. */
            share_id: string;
        };
        /** @description The usual rates, as `2 MiB/s` or `none`. */
        UsualLimitsInfo: {
            /** @description From all of them together. */
            download: string;
            /** @description From each of them. */
            download_each: string;
            /** @description To all distant peers together. */
            upload: string;
            /** @description To each of them. */
            upload_each: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    post_albums: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AlbumRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShareInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_albums_album: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description id, name or link */
                album: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Unshared"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    put_albums_album_files_path: {
        parameters: {
            query?: {
                /** @description whether what a picture says beside its pixels (place, time, camera) is left out; what is no whole JPEG, PNG, WebP, HEIC, AVIF, MP4 or MOV is refused then */
                bare?: boolean;
            };
            header?: never;
            path: {
                /** @description id, name or link */
                album: string;
                /** @description where in the album */
                path: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": string;
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlbumFile"];
                };
            };
            /** @description the disk is full */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_albums_album_files_path: {
        parameters: {
            query?: {
                /** @description whether what a picture says beside its pixels (place, time, camera) is left out; what is no whole JPEG, PNG, WebP, HEIC, AVIF, MP4 or MOV is refused then */
                bare?: boolean;
            };
            header?: never;
            path: {
                /** @description id, name or link */
                album: string;
                /** @description where in the album */
                path: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": string;
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlbumFile"];
                };
            };
            /** @description the disk is full */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_albums_album_files_path: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description id, name or link */
                album: string;
                /** @description where in the album */
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlbumFileRemoved"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_contacts: {
        parameters: {
            query?: {
                /** @description Only those with this tag. */
                tag?: string;
                /** @description Only those who speak this protocol. */
                speaks?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContactInfo"][];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_contacts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AddRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Added"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_contacts_name: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description petname or PeerId */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContactInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_contacts_name: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description petname or PeerId */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContactInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_contacts_name_block: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description petname or PeerId */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Blocked"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_contacts_name_confirm: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description petname or PeerId */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContactInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_contacts_name_note: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description petname or PeerId */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NoteRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContactInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_contacts_name_rename: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description petname or PeerId */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RenameRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContactInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_contacts_name_tags: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description petname or PeerId */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TagRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContactInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_contacts_name_told: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description petname or PeerId */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContactInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_contacts_name_unblock: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description petname or PeerId */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContactInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_contacts_name_words: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description petname or PeerId */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SafetyWords"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_contacts_name_words_live: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description petname or PeerId */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SafetyWords"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_content_urls: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ContentUrlRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContentUrl"][];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_doctor: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Check"][];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_events: {
        parameters: {
            query?: {
                /** @description whether to tell of the network, at once and every two seconds, by `network` */
                network?: boolean;
            };
            header?: {
                /** @description as browsers send it when they come back */
                "Last-Event-ID"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["LiveEvent"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_files_source: {
        parameters: {
            query?: {
                /** @description whether it is given only where it is here whole, without asking anybody */
                here?: boolean;
            };
            header?: {
                /** @description bytes=FIRST-LAST, bytes=FIRST- or bytes=-LENGTH */
                Range?: string | null;
                /** @description the ETag of the version of which a range is wanted: all is sent of another */
                "If-Range"?: string | null;
                /** @description ETags of versions that are had already */
                "If-None-Match"?: string | null;
                /** @description ETags of the versions that are meant */
                "If-Match"?: string | null;
            };
            path: {
                /** @description PEER/SHARE/PATH or LINK/PATH, as for get; the path of a share that is one file is its name, or left out */
                source: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description all of it */
            200: {
                headers: {
                    /** @description the version: a strong tag, another for each content */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            /** @description the range */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            /** @description it is what is had already (If-None-Match) */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description it is not any more what was shared */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description it is another version than is meant (If-Match) */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the file has nothing there; Content-Range says how long it is */
            416: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description nobody who has it is there */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_folders: {
        parameters: {
            query?: {
                /** @description A whole path; the home of whoever runs the node when left out. */
                path?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FolderInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_folders: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewFolder"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FolderInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_forwards: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ForwardRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["ServiceEvent"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GetRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["GetEvent"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_guests: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GuestRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["GuestAnswer"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_head: {
        parameters: {
            query: {
                /** @description `PEER/SHARE`, or a link. */
                path: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Listed"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_introducers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["IntroducerRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IntroducerInfo"][];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_introducers_remove: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["IntroducerRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IntroducerInfo"][];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_invites: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenInvite"][];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_invites: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InviteRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InviteMade"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_invites_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description its name, inviteid1… */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenInvite"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_limits: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LimitsInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_limits: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LimitsChange"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LimitsInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_listeners: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ListenRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["ListenEvent"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_ls: {
        parameters: {
            query?: {
                /** @description `PEER[/SHARE[/PATH]]` or a link; what every contact shares when left out. */
                path?: string;
                /** @description Of a folder, only what is behind this name, and of a contact's shares behind this id; from the first on when left out. */
                after?: string;
                /** @description Whether to say only what is known here, without asking anybody: of a folder of a share, as it was when it was looked into last. */
                here?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Listed"][];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_network: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NetworkInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_node: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_offers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OfferInfo"][];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_offers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OfferInfo"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OfferInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_offers_held: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OfferInfo"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["ServiceEvent"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_offers_name: {
        parameters: {
            query?: {
                /** @description UDP instead of TCP. */
                udp?: boolean;
            };
            header?: never;
            path: {
                /** @description of the service */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description an empty object */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_pictures_traces: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TracesRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TracesInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_ping: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PingRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["Pong"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_pipe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PipeRequest"];
            };
        };
        responses: {
            /** @description raw bytes; the header Kith-Stream names the stream */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_previews_source: {
        parameters: {
            query?: {
                /** @description how long its longer side is shown, in pixels: there are previews of 320 (given up to 512, and without a word) and of 1280 */
                size?: number;
                /** @description whether it is given only where it is here, without asking anybody */
                here?: boolean;
            };
            header?: {
                /** @description the ETag of the one that is there */
                "If-None-Match"?: string | null;
            };
            path: {
                /** @description PEER/SHARE/PATH or LINK/PATH, as for files; the path of a share that is one file is its name, or left out */
                source: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a JPEG; the ETag changes with the file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/jpeg": unknown;
                };
            };
            /** @description the one that is there is that of the file */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description there is none: no file or share, or whoever has it makes none */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the file is not any more what was shared */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the picture is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description it is no picture, or none of a known kind */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the picture is damaged */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description nobody who has it is there */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_recognise: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RecogniseRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecognisedText"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_remembered: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RememberedInfo"][];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_settings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingsInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_settings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SettingsChange"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingsInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_shares: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShareInfo"][];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_shares: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ShareRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShareInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_shares_share: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description id, name or link */
                share: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShareInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_shares_share: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description id, name or link */
                share: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Unshared"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_shares_share_audience: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description id, name or link */
                share: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AudienceRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShareInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_site_urls: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SiteUrlRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContentUrl"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_streams_number: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description of Kith-Stream */
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ended"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_streams_number: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description as the listener was told */
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description raw bytes; the header Kith-Stream names the stream */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_streams_number_finish: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description of Kith-Stream */
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description an empty object */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_tokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenInfo"][];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_tokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TokenRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenMade"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_tokens_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description its number */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ended"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_trace: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TraceRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["TraceStep"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_transfers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferInfo"][];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_transfers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GetRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_transfers_id_again: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a number */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AgainRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferInfo"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_transfers_id_cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a number, or all */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CancelRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferInfo"][];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_transfers_id_files_path: {
        parameters: {
            query?: never;
            header?: {
                /** @description bytes=FIRST-LAST, bytes=FIRST- or bytes=-LENGTH */
                Range?: string | null;
                /** @description the ETag of the version of which a range is wanted: all is sent of another */
                "If-Range"?: string | null;
                /** @description ETags of versions that are had already */
                "If-None-Match"?: string | null;
                /** @description ETags of the versions that are meant */
                "If-Match"?: string | null;
            };
            path: {
                /** @description a number */
                id: string;
                /** @description the file below what is fetched; its name, where that is one file */
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description all of it */
            200: {
                headers: {
                    /** @description the version: a strong tag, another for each content */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            /** @description the range */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            /** @description it is what is had already (If-None-Match) */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description it is not any more what was shared */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description it is another version than is meant (If-Match) */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the file has nothing there; Content-Range says how long it is */
            416: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description nobody who has it is there, or the transfer rests */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_transfers_id_pause: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a number, or all */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferInfo"][];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_transfers_id_priority: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a number */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FilePriority"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferInfo"][];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_transfers_id_resume: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description a number, or all */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferInfo"][];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    get_web_browsers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BrowserInfo"][];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    delete_web_browsers_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description its number */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ended"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
    post_web_codes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Entrance"];
                };
            };
            /** @description what went wrong, and what to do next */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Failure"];
                };
            };
        };
    };
}
