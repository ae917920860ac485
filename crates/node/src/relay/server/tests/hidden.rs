//! A hidden server, as one runs for contacts: nothing is shown to who does not know its name.

use super::*;

async fn hidden(is_hidden: bool) -> (RelayServer, TempDir) {
    let data = tempfile::tempdir().expect("a place for files");
    let config = RelayServerConfig {
        hidden: is_hidden,
        ..config(&data)
    };
    (start(config).await, data)
}

/// What a client hears that asks for a server with another pin.
async fn asked_by_another_name(server: &RelayServer) -> String {
    let shaken = connect_tls(server, LOCAL, Some(TlsPin([7; 32]))).await;
    let error = shaken.expect_err("it is not the server of that name");
    error.to_string()
}

#[tokio::test]
async fn who_asks_by_another_name_is_shown_no_certificate() {
    let (server, _data) = hidden(true).await;
    let heard = asked_by_another_name(&server).await;
    assert!(heard.contains("fatal alert"), "{heard}");
    server.shutdown().await;
    // A server that is not hidden shows its certificate, and it is the client who refuses it.
    let (server, _data) = hidden(false).await;
    let heard = asked_by_another_name(&server).await;
    assert!(!heard.contains("fatal alert"), "{heard}");
    server.shutdown().await;
}

#[tokio::test]
async fn who_knows_the_name_gets_a_place_and_no_counts() {
    let (server, _data) = hidden(true).await;
    let client = relay_client(&server, &SecretKey::generate()).await;
    assert!(client.is_ok(), "{:?}", client.err());
    for path in ["/metrics", "/healthz"] {
        let mut stream = connect_tls(&server, LOCAL, None).await.expect("its name");
        let answer = get(&mut stream, path).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    server.shutdown().await;
}
