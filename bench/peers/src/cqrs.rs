//! `cqrs-es` with `postgres-es`: the table of its `db/init.sql`, and its framework's `execute`.

use std::collections::HashMap;

use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{Aggregate, AggregateError, DomainEvent, EventStore};
use postgres_es::{PostgresCqrs, PostgresEventRepository, postgres_cqrs};
use sqlx::PgPool;
use uuid::Uuid;

use crate::cart::{AddLine, Cart, CartError, CartEvent};
use crate::load::{Added, Failure, Peer};

const EVENTS: &str = "create table if not exists events (
    aggregate_type text                         not null,
    aggregate_id   text                         not null,
    sequence       bigint check (sequence >= 0) not null,
    event_type     text                         not null,
    event_version  text                         not null,
    payload        json                         not null,
    metadata       json                         not null,
    primary key (aggregate_type, aggregate_id, sequence)
)";

pub struct CqrsEs {
    framework: PostgresCqrs<Cart>,
    store: PersistedEventStore<PostgresEventRepository, Cart>,
}

impl CqrsEs {
    pub async fn open(pool: PgPool) -> Result<CqrsEs, Failure> {
        sqlx::raw_sql(EVENTS).execute(&pool).await?;
        let repository = PostgresEventRepository::new(pool.clone());
        let store = PersistedEventStore::new_event_store(repository);
        Ok(CqrsEs { framework: postgres_cqrs(pool, vec![], ()), store })
    }
}

impl Peer for CqrsEs {
    async fn add(&self, cart: Uuid, command: AddLine) -> Result<Added, Failure> {
        // What the shop's log says of a command, but for what makes it safe to repeat.
        let metadata = HashMap::from([
            ("command".to_owned(), "cartLinesAdd".to_owned()),
            ("actor".to_owned(), format!("customer:{}", command.owner)),
        ]);
        let done = self.framework.execute_with_metadata(&cart.to_string(), command, metadata).await;
        match done {
            Ok(()) => Ok(Added::Done),
            Err(AggregateError::AggregateConflict) => Ok(Added::Conflict),
            Err(error) => Err(error.into()),
        }
    }

    async fn units(&self, cart: Uuid) -> Result<u64, Failure> {
        let loaded = self.store.load_aggregate(&cart.to_string()).await?;
        Ok(loaded.aggregate.units())
    }
}

impl Aggregate for Cart {
    const TYPE: &'static str = "cart";
    type Command = AddLine;
    type Event = CartEvent;
    type Error = CartError;
    type Services = ();

    async fn handle(
        &mut self,
        command: AddLine,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), CartError> {
        for event in self.add_line(&command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: CartEvent) {
        self.fold(event);
    }
}

impl DomainEvent for CartEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
