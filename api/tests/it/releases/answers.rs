//! A fixed list of queries with golden answers.
//!
//! `UPDATE_ANSWERS=1 cargo test -p api --test it releases` writes the files instead of comparing
//! with them.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta};
use event_store::EventStore;
use projections::ReadModel;
use projections::rebuild::{RebuildMode, rebuild_all};
use serde_json::{Map, Value, json};

use super::restore::RELEASES;
use super::served::RestoredShop;

/// Set this variable to write the golden answers.
const UPDATE: &str = "UPDATE_ANSWERS";

fn is_update() -> bool {
    std::env::var_os(UPDATE).is_some_and(|value| !value.is_empty())
}

fn questions() -> Vec<Value> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/releases/questions.json");
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

impl RestoredShop {
    /// The whole answer to a query. If the query has an `each`, all answers by name.
    async fn answer(&self, question: &Value) -> Value {
        let Some(kind) = question["each"].as_str() else { return self.ask(question, "").await };
        let mut answers = Map::new();
        for name in self.release.shop[kind].as_object().unwrap().keys() {
            let named = format!("{kind}/{name}");
            answers.insert(name.clone(), self.ask(question, &named).await);
        }
        Value::Object(answers)
    }

    async fn ask(&self, question: &Value, each: &str) -> Value {
        let variables = question["variables"].as_object().cloned().unwrap_or_default();
        let variables: Map<_, _> =
            variables.into_iter().map(|(name, value)| (name, self.variable(value, each))).collect();
        let query = question["query"].as_str().unwrap();
        let answer = self.caller(&question["as"]).try_ask(query, json!(variables)).await.unwrap();
        self.settled(answer)
    }

    /// Replaces variables: `$orders/paid` by an id, by its name; `$each` by the current id; `$day`,
    /// `$tomorrow` and `$dumpedAt` by times of the dump.
    fn variable(&self, value: Value, each: &str) -> Value {
        let Some(name) = value.as_str().and_then(|text| text.strip_prefix('$')) else {
            return value;
        };
        let shop = &self.release.shop;
        let dumped_at = DateTime::parse_from_rfc3339(shop["dumpedAt"].as_str().unwrap()).unwrap();
        match if name == "each" { each } else { name } {
            "dumpedAt" => json!(dumped_at + TimeDelta::microseconds(1)),
            "day" => json!(format!("{}T00:00:00Z", dumped_at.date_naive())),
            "tomorrow" => {
                json!(format!("{}T00:00:00Z", dumped_at.date_naive() + TimeDelta::days(1)))
            }
            path => {
                let id = path.split('/').fold(shop, |found, step| &found[step]);
                assert!(!id.is_null(), "the dump has no {path}");
                id.clone()
            }
        }
    }

    fn compare(&self, name: &str, answer: &Value) -> Result<(), String> {
        let file = self.release.folder.join("answers").join(format!("{name}.json"));
        let text = format!("{answer:#}\n");
        if is_update() {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &text).unwrap();
        }
        let golden = fs::read_to_string(&file).unwrap_or_default();
        if golden == text {
            return Ok(());
        }
        let (n, (was, is)) = golden
            .lines()
            .chain([""])
            .zip(text.lines())
            .enumerate()
            .find(|(_, (was, is))| was != is)
            .unwrap_or_default();
        Err(format!("{}, line {}:\n  was {was}\n  is  {is}", file.display(), n + 1))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_shop_gives_the_golden_answers_and_live_equals_rebuilt() {
    for release in RELEASES {
        let served = RestoredShop::start(release).await;
        let mut different = vec![];
        for question in questions() {
            let name = question["name"].as_str().unwrap();
            let answer = served.answer(&question).await;
            different.extend(served.compare(name, &answer).err());
        }
        assert!(
            different.is_empty(),
            "{}\n{UPDATE}=1 writes the answers as they are now",
            different.join("\n")
        );

        let store = EventStore::connect(served.shop.url(), Default::default()).await.unwrap();
        for (model, report) in
            rebuild_all(&store, &ReadModel::ALL, RebuildMode::Verify, |_| ()).await
        {
            let compared = report.unwrap().compared.unwrap_or_else(|| panic!("{model}"));
            assert_eq!((compared.different, compared.differences), (0, vec![]), "{model}");
            assert!(compared.position > served.release.head(), "{model}");
        }
        store.shutdown().await;
    }
}

#[test]
fn every_golden_answer_belongs_to_a_question() {
    let names: Vec<_> =
        questions().iter().map(|q| format!("{}.json", q["name"].as_str().unwrap())).collect();
    let unique: BTreeSet<_> = names.iter().cloned().collect();
    assert_eq!(unique.len(), names.len(), "two questions of one name");
    // The other test may be writing the files at the same time.
    for release in RELEASES.into_iter().filter(|_| !is_update()) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/releases").join(release);
        let files = fs::read_dir(folder.join("answers")).unwrap();
        let files: BTreeSet<_> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(files, unique, "{release}");
    }
}
