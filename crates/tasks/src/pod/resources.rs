//! How much of what a container gets, as Flyte settles it without limits of a platform.

use serde_json::{Map, Value, json};

use crate::proto::core::Resources;
use crate::proto::core::resources::{ResourceEntry, ResourceName};

/// What Flyte's default configuration asks for where a task asks for nothing.
const DEFAULTS: [(&str, &str); 2] = [("cpu", "1"), ("memory", "1Gi")];
/// What is settled only where it is asked for.
const OTHERS: [&str; 2] = ["ephemeral-storage", GPU];
const GPU: &str = "nvidia.com/gpu";

/// An amount that is no quantity: of what, and which.
type Wrong = (String, String);

/// The resources of a container's message, in Kubernetes's words. Amounts of 0 count as not given.
pub(super) fn of_message(resources: Option<&Resources>) -> Result<Value, Wrong> {
    let list = |entries: &[ResourceEntry]| {
        let mut amounts = Map::new();
        for entry in entries {
            let name = match ResourceName::try_from(entry.name) {
                Ok(ResourceName::Cpu) => "cpu",
                Ok(ResourceName::Memory) => "memory",
                Ok(ResourceName::Gpu) => GPU,
                Ok(ResourceName::EphemeralStorage) => "ephemeral-storage",
                Ok(ResourceName::Storage | ResourceName::Unknown) | Err(_) => continue,
            };
            if size(name, &json!(entry.value))? != 0.0 {
                amounts.insert(name.to_owned(), json!(entry.value));
            }
        }
        Ok::<_, Wrong>(amounts)
    };
    let Some(resources) = resources else { return Ok(json!({})) };
    Ok(json!({"requests": list(&resources.requests)?, "limits": list(&resources.limits)?}))
}

/// Requests and limits that agree: for the task's own container and for init containers each is filled in from the
/// other or by default; for those beside it a request is only brought below its limit, and what is left open is 0.
pub(super) fn settled(given: Option<&Value>, own: bool) -> Result<Value, Wrong> {
    let mut resources = given.and_then(Value::as_object).cloned().unwrap_or_default();
    let mut take = |list: &str| match resources.remove(list) {
        Some(Value::Object(mut amounts)) => {
            if let Some(gpus) = amounts.remove("gpu") {
                amounts.insert(GPU.to_owned(), gpus);
            }
            // Kubernetes takes numbers and gives text.
            for amount in amounts.values_mut().filter(|amount| amount.is_number()) {
                *amount = json!(amount.to_string());
            }
            amounts
        }
        _ => Map::new(),
    };
    let (mut requests, mut limits) = (take("requests"), take("limits"));
    let others = OTHERS.iter().filter(|name| requests.contains_key(**name) || limits.contains_key(**name));
    let settle: Vec<_> = DEFAULTS.into_iter().chain(others.map(|name| (*name, "0"))).collect();
    for (name, default) in settle {
        let amount = |list: &Map<String, Value>| list.get(name).cloned().unwrap_or_else(|| json!("0"));
        let (mut request, mut limit) = (amount(&requests), amount(&limits));
        if own {
            if size(name, &request)? == 0.0 {
                request = if size(name, &limit)? == 0.0 { json!(default) } else { limit.clone() };
            }
            if size(name, &limit)? == 0.0 {
                limit = request.clone();
            }
        }
        let most = size(name, &limit)?;
        if most != 0.0 && size(name, &request)? > most {
            request = limit.clone();
        }
        requests.insert(name.to_owned(), request);
        limits.insert(name.to_owned(), limit);
    }
    resources.insert("requests".to_owned(), Value::Object(requests));
    resources.insert("limits".to_owned(), Value::Object(limits));
    Ok(Value::Object(resources))
}

/// A quantity as a number, near enough to compare two.
fn size(resource: &str, amount: &Value) -> Result<f64, Wrong> {
    let text = match amount {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    quantity(&text).ok_or_else(|| (resource.to_owned(), text.escape_debug().to_string()))
}

fn quantity(text: &str) -> Option<f64> {
    let end =
        text.find(|character: char| !(character.is_ascii_digit() || "+-.".contains(character))).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let factor = match suffix {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024_f64.powi(2),
        "Gi" => 1024_f64.powi(3),
        "Ti" => 1024_f64.powi(4),
        "Pi" => 1024_f64.powi(5),
        "Ei" => 1024_f64.powi(6),
        exponent => 10_f64.powi(exponent.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    Some(digits.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_gets_a_request_and_a_limit_of_each() {
        for (given, settled_as) in [
            (json!({}), json!({"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}})),
            (
                json!({"requests": {"cpu": "500m"}, "limits": {"memory": "2Gi", "gpu": 1}}),
                json!({"requests": {"cpu": "500m", "memory": "2Gi", "nvidia.com/gpu": "1"},
                       "limits": {"cpu": "500m", "memory": "2Gi", "nvidia.com/gpu": "1"}}),
            ),
            (
                json!({"requests": {"cpu": 4, "x.y/z": "1"}, "limits": {"cpu": "2000m", "memory": "1e3"}}),
                json!({"requests": {"cpu": "2000m", "memory": "1e3", "x.y/z": "1"},
                       "limits": {"cpu": "2000m", "memory": "1e3"}}),
            ),
        ] {
            assert_eq!(settled(Some(&given), true), Ok(settled_as), "{given}");
        }
    }

    #[test]
    fn a_container_beside_it_gets_what_it_asked_for() {
        let given = json!({"requests": {"cpu": "3"}, "limits": {"cpu": "2"}});
        let settled_as = json!({"requests": {"cpu": "2", "memory": "0"}, "limits": {"cpu": "2", "memory": "0"}});
        assert_eq!(settled(Some(&given), false), Ok(settled_as));
    }

    #[test]
    fn an_amount_that_is_no_quantity_is_named() {
        let given = json!({"requests": {"cpu": "lots"}});
        assert_eq!(settled(Some(&given), true), Err(("cpu".to_owned(), "lots".to_owned())));
        for text in ["", "m", "1 Gi", "1Q", "1.2.3", "e3"] {
            assert_eq!(quantity(text), None, "{text}");
        }
    }
}
