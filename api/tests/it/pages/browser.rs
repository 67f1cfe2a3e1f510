//! A browser that is controlled like a person would: elements are found by their labels.

use std::cell::OnceCell;
use std::future::Future;
use std::process::Stdio;

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use local_postgres::testing::Scratch;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::cluster::{BOUND, Node, until};
use crate::programs::installed;

/// chromedriver, and the Chromium that it has started. Both end when the test ends.
pub(super) struct Browser {
    pub(super) client: Client,
    chromium: Pid,
    _driver: Child,
    _profile: Scratch,
}

impl Browser {
    /// Starts a browser with an empty profile. None if it is not installed.
    pub(super) async fn start() -> Option<Browser> {
        let (driver, chromium) = (installed("chromedriver")?, installed("chromium")?);
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let port = port(&mut driver).await;
        let profile = Scratch::new();
        let options = json!({"binary": chromium, "args": [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-crash-reporter", "--disable-dev-shm-usage", "--window-size=1280,1000",
            format!("--user-data-dir={}", profile.path().display()),
        ]});
        let wishes = json!({"goog:chromeOptions": options}).as_object().unwrap().clone();
        let url = format!("http://127.0.0.1:{port}");
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(wishes)
            .connect(&url)
            .await
            .expect("Chromium starts");
        let chromium = client.capabilities().unwrap()["goog:processID"].as_i64().unwrap();
        let chromium = Pid::from_raw(chromium.try_into().unwrap());
        Some(Browser { client, chromium, _driver: driver, _profile: profile })
    }

    pub(super) async fn open(&self, node: &Node, path: &str) {
        let url = format!("http://{}{path}", node.address());
        self.client.goto(&url).await.unwrap();
    }

    /// Clicks the button or the link with this name, as soon as it can be clicked.
    pub(super) async fn press(&self, name: &str) {
        let named = format!("normalize-space()=\"{name}\" or @aria-label=\"{name}\"");
        self.press_at(&format!("//*[self::button or self::a][{named}]")).await;
    }

    /// Clicks the element at this XPath, as soon as it can be clicked; the page may be drawn again
    /// meanwhile.
    pub(super) async fn press_at(&self, path: &str) {
        until(&format!("{path} can be pressed"), async || {
            let Ok(found) = self.client.find_all(Locator::XPath(path)).await else { return false };
            for element in found {
                if self.click(&element).await.is_ok_and(|done| done) {
                    return true;
                }
            }
            false
        })
        .await;
    }

    /// Scrolls the element to the middle first, because the page's bar covers what is at the top.
    async fn click(&self, element: &Element) -> Result<bool, CmdError> {
        if !element.is_enabled().await? {
            return Ok(false);
        }
        let element_in_js = vec![serde_json::to_value(element)?];
        let scroll = "arguments[0].scrollIntoView({block: 'center'})";
        self.client.execute(scroll, element_in_js).await?;
        element.click().await.map(|()| true)
    }

    /// Replaces the text in the field with this label.
    pub(super) async fn fill(&self, label: &str, text: &str) {
        self.at(label, async |field| {
            field.clear().await?;
            field.send_keys(text).await
        })
        .await;
    }

    pub(super) async fn choose(&self, label: &str, option: &str) {
        self.at(label, async |field| field.select_by_label(option).await).await;
    }

    /// The error message next to the field with this label.
    pub(super) async fn error_at(&self, label: &str) -> String {
        let path = format!("//label[.=\"{label}\"]/..//*[@aria-invalid]/following-sibling::p");
        self.text(Locator::XPath(&path)).await
    }

    /// Waits until this part of the page contains this text.
    pub(super) async fn until_shown(&self, css: &str, text: &str) {
        until(&format!("{css} shows {text:?}"), async || {
            let Ok(found) = self.client.find_all(Locator::Css(css)).await else { return false };
            for element in found {
                if element.text().await.is_ok_and(|shown| shown.contains(text)) {
                    return true;
                }
            }
            false
        })
        .await;
    }

    /// Waits until the element has a text, and returns the text.
    pub(super) async fn text(&self, place: Locator<'_>) -> String {
        let what = format!("there is a text at {place:?}");
        // The element is searched again, because the page may have been drawn again.
        let text = OnceCell::new();
        until(&what, async || {
            self.text_now(place).await.is_some_and(|found| text.set(found).is_ok())
        })
        .await;
        text.into_inner().unwrap_or_default()
    }

    async fn text_now(&self, place: Locator<'_>) -> Option<String> {
        let text = self.client.find(place).await.ok()?.text().await.ok()?;
        Some(text).filter(|text| !text.is_empty())
    }

    /// The result of a script that runs in the page.
    pub(super) async fn evaluate(&self, script: &str) -> Value {
        self.client.execute(script, vec![]).await.unwrap()
    }

    /// Does something with the field of this label, as soon as that is possible.
    async fn at<F>(&self, label: &str, work: impl Fn(Element) -> F)
    where
        F: Future<Output = Result<(), CmdError>>,
    {
        let path = format!("//label[.=\"{label}\"]");
        until(&format!("{label:?} can be filled in"), async || {
            let Ok(label) = self.client.find(Locator::XPath(&path)).await else { return false };
            let Ok(Some(id)) = label.attr("for").await else { return false };
            match self.client.find(Locator::Id(&id)).await {
                Ok(field) => work(field).await.is_ok(),
                Err(_) => false,
            }
        })
        .await;
    }
}

/// Stops the browser too, since the driver alone would leave it running.
impl Drop for Browser {
    fn drop(&mut self) {
        kill(self.chromium, Signal::SIGKILL).ok();
    }
}

/// The port that the driver has chosen.
async fn port(driver: &mut Child) -> u16 {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let found = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            let port = line.split("on port ").nth(1).filter(|_| line.contains("success"));
            if let Some(port) = port {
                return port.trim_end_matches('.').parse().unwrap();
            }
        }
        panic!("chromedriver does not say where it listens");
    };
    tokio::time::timeout(BOUND, found).await.expect("chromedriver starts")
}
