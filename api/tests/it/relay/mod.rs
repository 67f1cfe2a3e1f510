//! The relay to a real NATS server: events arrive in order, each once, even if nodes are killed.

pub(crate) mod server;

use async_nats::HeaderMap;
use serde_json::{Value, json};
use sqlx::PgPool;

use self::server::{NatsServer, PublishedEvent};
use crate::cluster::{Node, Shop, until};
use crate::shop::stage::Stage;

impl Stage {
    /// A shop that sells mugs and publishes its events to this broker.
    pub(crate) async fn shop_publishing_to(nats: &NatsServer) -> Stage {
        let shop = Shop::new().await.variable("NATS_URL", &nats.url());
        let stage = Stage::of(shop).await;
        stage.sell("MUG", 2_499, 100).await;
        stage
    }

    fn pool(&self) -> &PgPool {
        self.shop.database.as_ref().unwrap().pool()
    }

    /// The relay's checkpoint.
    async fn checkpoint(&self) -> i64 {
        let query = "select coalesce(max(position), 0) from leases where name = 'relay'";
        sqlx::query_scalar(query).fetch_one(self.pool()).await.unwrap()
    }

    /// Waits until all events up to now are published, and returns the stream's messages after
    /// checking that it has each event of the log once, in the log's order.
    pub(crate) async fn all_published(&self, nats: &NatsServer) -> Vec<PublishedEvent> {
        let end = self.end().await;
        until("all events are relayed", async || self.checkpoint().await >= end).await;
        let published = nats.published().await;
        let positions: Vec<_> = published.iter().map(PublishedEvent::position).collect();
        assert_eq!(positions, (1..=positions.len() as i64).collect::<Vec<_>>());
        assert!(positions.len() as i64 >= end);
        published
    }

    async fn relay_health(&self) -> Value {
        let answer = self.desk.get("/health").await.unwrap().json();
        let checks = answer["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == "relay").cloned().unwrap_or_default()
    }
}

fn relays(node: &Node) -> bool {
    node.log().contains("this node relays events")
}

#[tokio::test]
async fn an_orders_events_arrive_in_order_as_cloud_events() {
    let Some(nats) = NatsServer::start().await else { return };
    let stage = Stage::shop_publishing_to(&nats).await;
    let (order, _) = stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    let published = stage.all_published(&nats).await;

    let of_order: Vec<_> =
        published.iter().filter(|published| published.body["subject"] == order).collect();
    let versions: Vec<_> =
        of_order.iter().map(|published| published.body["streamversion"].clone()).collect();
    assert_eq!(versions, (1..=of_order.len()).map(|n| json!(n)).collect::<Vec<_>>());
    let placed = of_order[0];
    assert_eq!(placed.subject, "cartulary.order.placed");
    assert_eq!(placed.media_type, "application/cloudevents+json");
    assert_eq!(placed.body["specversion"], "1.0");
    assert_eq!(placed.body["source"], "/cartulary/order");
    assert_eq!(placed.body["type"], "order.placed");
    assert_eq!(placed.body["datacontenttype"], "application/json");
    let confirmed =
        of_order.iter().find(|published| published.subject == "cartulary.order.confirmed").unwrap();
    let cause = confirmed.body["causationid"].as_str().unwrap().parse::<usize>().unwrap();
    assert_eq!(published[cause - 1].subject, "cartulary.payment.authorized");
    let correlation = &confirmed.body["correlationid"];
    assert_eq!(&published[cause - 1].body["correlationid"], correlation);

    // The payload as stored in the log, in which personal data is sealed.
    let row: (String, chrono::DateTime<chrono::Utc>, i16) = sqlx::query_as(
        "select payload::text, recorded_at, schema_version from events where position = $1",
    )
    .bind(placed.position())
    .fetch_one(stage.pool())
    .await
    .unwrap();
    assert_eq!(placed.body["data"], serde_json::from_str::<Value>(&row.0).unwrap());
    assert_eq!(placed.body["time"], json!(row.1));
    assert_eq!(placed.body["schemaversion"], row.2);
    assert!(
        published.iter().all(|published| !published.body.to_string().contains("ada@example.org"))
    );
    assert!(published.iter().any(|published| published.body.to_string().contains("ciphertext")));
}

#[tokio::test]
async fn events_published_before_a_kill_are_not_published_twice() {
    let Some(nats) = NatsServer::start().await else { return };
    let stage = Stage::shop_publishing_to(&nats).await;
    stage.all_published(&nats).await;
    // From now on events reach the broker, but the checkpoint cannot move.
    let refuse = "create function refuse() returns trigger language plpgsql as $$
            begin raise exception 'no'; end $$;
        create trigger refuse before update on leases for each row
            when (new.name = 'relay' and new.position > old.position) execute function refuse();";
    sqlx::raw_sql(refuse).execute(stage.pool()).await.unwrap();
    stage.order(&stage.ada, &[("MUG", 1)]).await;
    let end = stage.end().await;
    until("the events reach the broker", async || nats.published().await.len() as i64 >= end).await;
    assert!(stage.checkpoint().await < end);
    let Stage { shop, node, .. } = stage;
    node.kill().await;

    let pool = shop.database.as_ref().unwrap().pool();
    sqlx::raw_sql("drop trigger refuse on leases").execute(pool).await.unwrap();
    let stage = Stage::of(shop).await;
    stage.order(&stage.ada, &[("MUG", 2)]).await;
    stage.all_published(&nats).await;
}

#[tokio::test]
async fn an_outage_of_the_broker_delays_no_command_and_loses_no_event() {
    let Some(mut nats) = NatsServer::start().await else { return };
    let stage = Stage::shop_publishing_to(&nats).await;
    stage.all_published(&nats).await;
    until("health is good", async || stage.relay_health().await["status"] == "ok").await;

    nats.kill().await;
    for _ in 0..3 {
        stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    }
    until("health reports it", async || stage.relay_health().await["status"] == "degraded").await;
    let health = stage.relay_health().await;
    assert!(health["lagEvents"].as_i64().unwrap() > 10, "{health}");
    assert!(health["error"].is_string() && health["responseTimeMs"].is_number(), "{health}");

    nats.start_again().await;
    stage.all_published(&nats).await;
    until("health is good again", async || {
        let health = stage.relay_health().await;
        (&health["status"], &health["lagEvents"]) == (&json!("ok"), &json!(0))
    })
    .await;
}

#[tokio::test]
async fn of_two_nodes_one_relays_and_the_other_takes_over_when_it_freezes() {
    let Some(nats) = NatsServer::start().await else { return };
    let stage = Stage::shop_publishing_to(&nats).await;
    until("the first node relays", async || relays(&stage.node)).await;
    let other = stage.shop.start().await;
    let bob = other.customer("bob");
    stage.order(&bob, &[("MUG", 1)]).await;
    stage.order(&stage.ada, &[("MUG", 1)]).await;
    stage.all_published(&nats).await;
    assert!(!relays(&other));

    stage.node.freeze();
    stage.order(&bob, &[("MUG", 2)]).await;
    stage.all_published(&nats).await;
    assert!(relays(&other));
    stage.node.thaw();
    for buyer in [&stage.ada, &bob] {
        stage.order(buyer, &[("MUG", 3)]).await;
    }
    stage.all_published(&nats).await;
}

#[tokio::test]
async fn another_publisher_in_the_stream_does_not_stop_the_relay() {
    let Some(nats) = NatsServer::start().await else { return };
    let stage = Stage::shop_publishing_to(&nats).await;
    stage.all_published(&nats).await;
    let jetstream = nats.jetstream().await;
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", "a stranger's");
    let stranger =
        jetstream.publish_with_headers("cartulary.stranger", headers, "hello".into()).await;
    stranger.unwrap().await.unwrap();
    stage.order(&stage.ada, &[("MUG", 1)]).await;
    let end = stage.end().await;
    until("all events are relayed", async || stage.checkpoint().await >= end).await;
    let mut published = nats.published().await;
    published.retain(|published| published.subject != "cartulary.stranger");
    let positions: Vec<_> = published.iter().map(PublishedEvent::position).collect();
    assert_eq!(positions[..end as usize], (1..=end).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_shop_without_a_broker_relays_nothing() {
    let stage = Stage::with_mugs().await;
    assert_eq!(stage.relay_health().await, Value::Null);
    assert_eq!(stage.checkpoint().await, 0);
}
