//! Personal data is sealed in the log, can be opened by every node, and is lost with its key.

use commands::{Vault, VaultError};
use domain::checkout::PlaceOrder;
use domain::{Contact, Personal, SubjectId};
use uuid::Uuid;

use crate::support::*;

fn ada() -> Contact {
    let email = "ada@lovelace.example".parse().unwrap();
    Contact { name: text("Ada Lovelace"), email, phone: Some(text("+44 20 7946 0000")) }
}

fn new_subject() -> SubjectId {
    SubjectId(Uuid::now_v7())
}

async fn forget(shop: &Shop, subject: SubjectId) {
    sqlx::query("update subject_keys set key = null where subject = $1")
        .bind(subject.0)
        .execute(shop.database.pool())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_one_node_sealed_can_be_opened_by_every_node() {
    let shop = Shop::new().await;
    let sealed =
        Vault::new(shop.database.pool().clone()).seal(new_subject(), &ada()).await.unwrap();
    let other = Vault::new(shop.database.pool().clone());
    assert_eq!(other.open::<Contact>(&sealed).await.unwrap(), Some(ada()));
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_seal_for_a_new_person_at_once_use_one_key() {
    let shop = Shop::new().await;
    let subject = new_subject();
    let sealing = (0..16).map(|_| {
        let vault = Vault::new(shop.database.pool().clone());
        async move { vault.seal(subject, &ada()).await.unwrap() }
    });
    let vault = Vault::new(shop.database.pool().clone());
    for sealed in all(sealing).await {
        assert_eq!(vault.open::<Contact>(&sealed).await.unwrap(), Some(ada()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_whose_key_is_destroyed_is_forgotten() {
    let shop = Shop::new().await;
    let subject = new_subject();
    let sealed = Vault::new(shop.database.pool().clone()).seal(subject, &ada()).await.unwrap();
    forget(&shop, subject).await;
    let vault = Vault::new(shop.database.pool().clone());
    assert_eq!(vault.open::<Contact>(&sealed).await.unwrap(), None);
    let again = vault.seal(subject, &ada()).await;
    assert!(matches!(again, Err(VaultError::Forgotten(of)) if of == subject), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_value_is_sealed_differently_each_time() {
    let shop = Shop::new().await;
    let vault = Vault::new(shop.database.pool().clone());
    let subject = new_subject();
    let (one, two) =
        (vault.seal(subject, &ada()).await.unwrap(), vault.seal(subject, &ada()).await.unwrap());
    assert_ne!(one.nonce, two.nonce);
    assert_ne!(one.ciphertext, two.ciphertext);
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_data_and_data_of_another_person_cannot_be_opened() {
    let shop = Shop::new().await;
    let vault = Vault::new(shop.database.pool().clone());
    let sealed = vault.seal(new_subject(), &ada()).await.unwrap();
    let other = vault.seal(new_subject(), &ada()).await.unwrap();
    let forgeries = [
        Personal { subject: other.subject, ..sealed.clone() },
        Personal { nonce: other.nonce.clone(), ..sealed.clone() },
        Personal { ciphertext: other.ciphertext, ..sealed.clone() },
        Personal { nonce: "no base64!".to_owned(), ..sealed },
    ];
    for forgery in forgeries {
        let opened = vault.open::<Contact>(&forgery).await;
        assert!(matches!(opened, Err(VaultError::Broken(_))), "{opened:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_holds_no_personal_data_in_plain_text() {
    let (shop, a, _) = Shop::selling(&mug(), 1).await;
    let cart = filled_cart(&a, &mug(), 1).await;
    let vault = Vault::new(shop.database.pool().clone());
    let contact = vault.seal(SubjectId(cart.0), &ada()).await.unwrap();
    let ciphertext = contact.ciphertext.clone();
    a.execute(PlaceOrder { contact, ..place(cart) }, once()).await.unwrap();
    let found = async |text: &str| -> i64 {
        sqlx::query_scalar("select count(*) from events e where strpos(e::text, $1) > 0")
            .bind(text)
            .fetch_one(shop.database.pool())
            .await
            .unwrap()
    };
    assert_eq!(found(&ciphertext).await, 1, "the control: the search finds the ciphertext");
    for secret in ["Ada", "Lovelace", "lovelace.example", "7946"] {
        assert_eq!(found(secret).await, 0, "{secret}");
    }
}
