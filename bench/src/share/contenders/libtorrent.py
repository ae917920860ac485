"""A libtorrent session that is up; told by lines of JSON what to get, it answers when it has all of it."""

import json
import sys

import libtorrent

# How often an end is looked for when no alert comes, in milliseconds.
PATIENCE_MS = 1000


def add(session, ask):
    """Adds a torrent and connects to peers; returns its handle once everything is verified and in its file."""
    parameters = libtorrent.add_torrent_params()
    parameters.ti = libtorrent.torrent_info(ask["torrent"])
    parameters.save_path = ask["folder"]
    parameters.flags &= ~libtorrent.torrent_flags.auto_managed
    parameters.flags &= ~libtorrent.torrent_flags.paused
    handle = session.add_torrent(parameters)
    for host, port in ask["peers"]:
        handle.connect_peer((host, port))
    while not handle.status().is_seeding:
        session.wait_for_alert(PATIENCE_MS)
        session.pop_alerts()
    handle.flush_cache()
    while True:
        session.wait_for_alert(PATIENCE_MS)
        if any(isinstance(alert, libtorrent.cache_flushed_alert) for alert in session.pop_alerts()):
            return handle


def main():
    settings = json.loads(sys.argv[1])
    category = libtorrent.alert.category_t
    settings["alert_mask"] = category.status_notification | category.storage_notification
    session = libtorrent.session(settings)
    # By default peers of the local network are in a class of their own that no limit holds for.
    everybody = libtorrent.ip_filter()
    everybody.add_rule("0.0.0.0", "255.255.255.255", 1)
    session.set_peer_class_filter(everybody)
    print(json.dumps("up"), flush=True)
    handle = None
    for line in sys.stdin:
        ask = json.loads(line)
        if ask is None:
            session.remove_torrent(handle)
        else:
            handle = add(session, ask)
        print(json.dumps("done"), flush=True)


main()
