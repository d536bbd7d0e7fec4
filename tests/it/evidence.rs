//! Photos and videos: in stripped, sealed and counted; out by a link that ends; nothing half done.

use aftersales::db;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::ObjectStore as _;
use serde_json::json;

use crate::on_both_engines;
use crate::support::{App, Caller, Reply, life, media};

async fn case_of(app: &App) -> (life::Known, String) {
    let known = life::order(app, "max@example.com", "E-1").await;
    let customer = app.customer(&known.email).await;
    let case = life::open(&customer, "WARRANTY_CLAIM", Some(&known.order), "Defekt.").await;
    (known, case)
}

async fn ticket(caller: &Caller<'_>, case: &str, media_type: &str, size: usize) -> (String, String) {
    let input = json!({ "caseId": case, "fileName": "Küche 1.jpg", "mediaType": media_type, "byteSize": size });
    let done = caller
        .done("attachmentUploadCreate", "AttachmentUploadCreateInput", input, "attachment { id } upload { url }")
        .await;
    let path = done["upload"]["url"].as_str().unwrap().trim_start_matches("http://test").to_owned();
    (done["attachment"]["id"].as_str().unwrap().to_owned(), path)
}

async fn put(app: &App, path: &str, body: Body) -> Reply {
    app.send(Request::put(path).body(body).unwrap()).await
}

async fn download(caller: &Caller<'_>, case: &str) -> (String, Reply) {
    let query = "query($id: ID!) { serviceCase(id: $id) { attachments { state download { url } } } }";
    let found = caller.data(query, json!({ "id": case })).await;
    let url = found["serviceCase"]["attachments"][0]["download"]["url"].as_str().unwrap();
    let path = url.trim_start_matches("http://test").to_owned();
    let reply = caller.app.send(Request::get(&path).body(Body::empty()).unwrap()).await;
    (path, reply)
}

async fn blobs(app: &App) -> usize {
    app.state.blobs.list(None).try_collect::<Vec<_>>().await.unwrap().len()
}

on_both_engines! {
    /// S18, F62, F65, S68: place and device are gone, the pixels are the same, and what lies in the store is sealed.
    async fn a_photo_travels_in_and_out(app) {
        let (known, case) = case_of(app).await;
        let customer = app.customer(&known.email).await;
        let photo = media::jpeg_with_place("Nikon in Köln");
        life::upload(&customer, &case, "Küche 1.jpg", "image/jpeg", &photo).await;
        let (_, reply) = download(&customer, &case).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.headers["content-type"], "image/jpeg");
        let name = reply.headers["content-disposition"].to_str().unwrap();
        assert!(name.starts_with("attachment;") && name.contains("filename*=UTF-8''K%C3%BCche%201.jpg"), "{name}");
        assert!(!reply.bytes.windows(5).any(|w| w == b"Nikon"), "no device");
        assert_eq!(reply.bytes, aftersales::evidence::strip::strip(entity::attachments::MediaType::Jpeg, Bytes::from(media::jpeg())).unwrap());
        let stored = app.state.blobs.list(None).try_collect::<Vec<_>>().await.unwrap();
        let sealed = object_store::ObjectStoreExt::get(&*app.state.blobs, &stored[0].location).await.unwrap().bytes().await.unwrap();
        assert!(sealed.len() > reply.bytes.len(), "all of it is there, sealed");
        let (from, to) = (reply.bytes.len() / 2, reply.bytes.len() / 2 + 16);
        assert!(!sealed.windows(16).any(|w| w == &reply.bytes[..16] || w == &reply.bytes[from..to]), "nothing in plain");
    }

    /// Decision 13: a video streams through byte for byte, larger than any buffer on the way.
    async fn a_video_stays_as_it_is(app) {
        let (known, case) = case_of(app).await;
        let customer = app.customer(&known.email).await;
        let video = media::mp4(20 << 20);
        life::upload(&customer, &case, "film.mp4", "video/mp4", &video).await;
        let (_, reply) = download(&customer, &case).await;
        assert!(reply.bytes == video, "the same bytes");
        assert_eq!(reply.headers["content-length"], video.len().to_string());
    }

    /// F66: a link is for minutes, for its holder, and each download is logged.
    async fn a_link_ends_and_is_logged(app) {
        let (known, case) = case_of(app).await;
        life::upload(&app.customer(&known.email).await, &case, "a.jpg", "image/jpeg", &media::jpeg()).await;
        let agent = app.agent().await;
        let (path, reply) = download(&agent, &case).await;
        assert_eq!(reply.status, 200);
        assert_eq!(app.count("access_entries", "purpose = 'EVIDENCE' AND attachment_id IS NOT NULL").await, 1);
        let get = async |path: &str| app.send(Request::get(path).body(Body::empty()).unwrap()).await.json()["error"]["code"].clone();
        let mut forged = path.clone();
        let at = forged.len() - 10;
        forged.replace_range(at..=at, if &forged[at..=at] == "x" { "y" } else { "x" });
        assert_eq!(get(&forged).await, "LINK_INVALID");
        app.advance(chrono::TimeDelta::minutes(6));
        assert_eq!(get(&path).await, "LINK_INVALID");
    }

    /// What never came whole is no evidence: a hold does not keep its upload from beginning again.
    async fn an_upload_under_a_hold_can_be_tried_again(app) {
        let (known, case) = case_of(app).await;
        let hold = json!({ "caseId": case, "reason": "LEGAL_CLAIM", "reviewOn": "2014-09-01" });
        app.dpo().await.done("holdPlace", "HoldPlaceInput", hold, "hold { id }").await;
        let photo = media::jpeg();
        let (_, path) = ticket(&app.customer(&known.email).await, &case, "image/jpeg", photo.len()).await;
        let lie = b"MZ\x90\0".iter().copied().chain(std::iter::repeat_n(0, photo.len() - 4)).collect::<Vec<u8>>();
        let reply = put(app, &path, Body::from(lie)).await;
        assert_eq!((reply.status, reply.json()["error"]["code"].as_str()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, Some("TYPE_MISMATCH")));
        assert!(put(app, &path, Body::from(photo)).await.status.is_success());
        let clear = "UPDATE attachments SET blob = NULL";
        assert!(db::run(app.state.db.write(), clear, []).await.unwrap_err().to_string().contains("under a legal hold"));
    }

    /// A file that lies about its type.
    async fn a_lie_about_the_type_is_refused(app) {
        let (known, case) = case_of(app).await;
        let customer = app.customer(&known.email).await;
        for (announced, bytes) in [
            ("image/png", media::jpeg()),
            ("video/mp4", b"<html><script>alert(1)</script>".repeat(100)),
            ("image/jpeg", b"MZ\x90\0this program cannot be run in DOS mode".to_vec()),
        ] {
            let (id, path) = ticket(&customer, &case, announced, bytes.len()).await;
            let reply = put(app, &path, Body::from(bytes)).await;
            assert_eq!((reply.status, reply.json()["error"]["code"].as_str()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, Some("TYPE_MISMATCH")));
            assert_eq!(reply.json()["error"]["path"], json!(["body"]));
            let found = customer.data("query($id: ID!) { node(id: $id) { ... on Attachment { state } } }", json!({ "id": id })).await;
            assert_eq!(found["node"]["state"], "AWAITING_UPLOAD", "another try is possible");
        }
        assert_eq!(blobs(app).await, 0);
        let input = json!({ "caseId": case, "fileName": "a.svg", "mediaType": "image/svg+xml", "byteSize": 10 });
        assert_eq!(customer.refused("attachmentUploadCreate", "AttachmentUploadCreateInput", input).await.0, "UNSUPPORTED_TYPE");
    }

    /// A truncated upload, one that goes on for ever without a length, a damaged picture: nothing half done.
    async fn a_broken_upload_leaves_nothing(app) {
        let (known, case) = case_of(app).await;
        let customer = app.customer(&known.email).await;
        let video = media::mp4(300_000);
        let (_, path) = ticket(&customer, &case, "video/mp4", video.len()).await;
        let cut = put(app, &path, Body::from(video[..200_000].to_vec())).await;
        assert_eq!((cut.status, cut.json()["error"]["code"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("SIZE_MISMATCH")));
        let broken = futures::stream::iter([
            Ok(Bytes::copy_from_slice(&video[..100_000])),
            Err(std::io::Error::other("the client has gone")),
        ]);
        assert_eq!(put(app, &path, Body::from_stream(broken)).await.json()["error"]["code"], "SIZE_MISMATCH");
        // Ten gigabytes without a length header: cut off at the first byte too many.
        let sent = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
        let counter = std::sync::Arc::clone(&sent);
        let head = Bytes::from(media::mp4(1 << 20));
        let endless = futures::stream::iter((0..10_240).map(move |_| {
            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok::<_, std::io::Error>(head.clone())
        }));
        let reply = put(app, &path, Body::from_stream(endless)).await;
        assert_eq!((reply.status, reply.json()["error"]["code"].as_str()), (StatusCode::PAYLOAD_TOO_LARGE, Some("TOO_LARGE")));
        assert!(sent.load(std::sync::atomic::Ordering::Relaxed) < 10, "it was not read to its end");
        let photo = media::jpeg();
        let (_, damaged) = ticket(&customer, &case, "image/jpeg", photo.len() - 40).await;
        let reply = put(app, &damaged, Body::from(photo[..photo.len() - 40].to_vec())).await;
        assert_eq!(reply.json()["error"]["code"], "MALFORMED", "{:?}", reply.json());
        assert_eq!(blobs(app).await, 0);
        // The ticket is still good for a whole file, and then used up.
        assert_eq!(put(app, &path, Body::from(video.clone())).await.status, StatusCode::CREATED);
        assert_eq!(put(app, &path, Body::from(video)).await.json()["error"]["code"], "LINK_INVALID");
    }

    /// A receiver whose process died does not block the ticket: the next one takes its place.
    async fn the_latest_upload_wins(app) {
        let (known, case) = case_of(app).await;
        let customer = app.customer(&known.email).await;
        let photo = media::jpeg();
        let (_, path) = ticket(&customer, &case, "image/jpeg", photo.len()).await;
        db::run(app.state.db.write(), "UPDATE attachments SET state = 'RECEIVING', blob = 'of-the-dead'", []).await.unwrap();
        assert_eq!(put(app, &path, Body::from(photo)).await.status, StatusCode::CREATED);
        assert_eq!((blobs(app).await, app.count("attachments", "blob = 'of-the-dead'").await), (1, 0));
    }

    /// A ticket ends; a forged one never begins.
    async fn a_ticket_ends(app) {
        let (known, case) = case_of(app).await;
        let customer = app.customer(&known.email).await;
        let (_, path) = ticket(&customer, &case, "image/jpeg", 10).await;
        app.advance(chrono::TimeDelta::minutes(31));
        assert_eq!(put(app, &path, Body::empty()).await.json()["error"]["code"], "LINK_INVALID");
        assert_eq!(put(app, "/attachments/uploads/AAAA", Body::empty()).await.status, StatusCode::NOT_FOUND);
    }

    /// F68: a blob without a row is reaped, and an attachment that never got its bytes goes with its ticket (R27), even
    /// while the case is open.
    async fn what_never_came_clears_itself_up(app) {
        let (known, case) = case_of(app).await;
        let customer = app.customer(&known.email).await;
        ticket(&customer, &case, "image/jpeg", 10).await;
        db::run(app.state.db.write(), "UPDATE attachments SET state = 'RECEIVING'", []).await.unwrap();
        app.advance(crate::support::days(6));
        app.run_job("retention").await;
        assert_eq!(app.count("attachments", "1 = 1").await, 1);
        app.advance(crate::support::days(3));
        app.run_job("retention").await;
        assert_eq!(app.count("attachments", "1 = 1").await, 0, "seven days after the ticket's end");
        let stray = object_store::path::Path::from("stray");
        object_store::ObjectStoreExt::put(&*app.state.blobs, &stray, Bytes::from_static(b"x").into()).await.unwrap();
        // The blob store stamps files with the real time, which lies years after the test's clock.
        app.at("2100-01-01T00:00:00Z");
        assert_eq!(app.run_job("reaper").await["blobs"], 1);
    }

    /// A case that closes while bytes are still coming: the bytes go again.
    async fn closing_ends_an_upload(app) {
        let (known, case) = case_of(app).await;
        let customer = app.customer(&known.email).await;
        let photo = media::jpeg();
        let (_, path) = ticket(&customer, &case, "image/jpeg", photo.len()).await;
        life::decide(app, &case, "NOT_ELIGIBLE").await;
        life::close(app, &case).await;
        assert_eq!(put(app, &path, Body::from(photo)).await.json()["error"]["code"], "LINK_INVALID");
        app.run_job("outbox").await;
        assert_eq!(blobs(app).await, 0);
    }
}
