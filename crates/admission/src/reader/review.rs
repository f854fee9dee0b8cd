//! A review's envelope.

use super::{Reader, pod, put};
use crate::object::Object;
use crate::review::{GroupVersionKind, Request, Review};
use crate::view::PodView;

type Pod<'a> = Object<PodView<'a>>;

/// A whole text that is a review of a pod.
pub(crate) fn review(json: &str) -> Option<Review<'_, Pod<'_>>> {
    let mut reader = Reader::new(json);
    let (mut api_version, mut kind, mut asked) = (None, None, None);
    reader.members(|reader, member| match member {
        "apiVersion" => put(&mut api_version, reader.text()),
        "kind" => put(&mut kind, reader.text()),
        "request" => put(&mut asked, reader.nullable_object(request)),
        _ => reader.skip(),
    })?;
    reader.is_at_end().then(|| Review {
        api_version: api_version.unwrap_or_default(),
        kind: kind.unwrap_or_default(),
        request: asked.flatten(),
    })
}

fn request<'a>(reader: &mut Reader<'a>) -> Option<Request<'a, Pod<'a>>> {
    let (mut uid, mut kind, mut namespace, mut operation) = (None, None, None, None);
    let (mut dry_run, mut object) = (None, None);
    reader.members(|reader, member| match member {
        "uid" => put(&mut uid, reader.nullable(Reader::text)),
        "kind" => put(&mut kind, group_version_kind(reader).map(Object::new)),
        "namespace" => put(&mut namespace, reader.text()),
        "operation" => put(&mut operation, reader.text()),
        "dryRun" => put(&mut dry_run, reader.nullable(Reader::bool)),
        "object" => put(&mut object, reader.nullable_object(pod::view)),
        _ => reader.skip(),
    })?;
    Some(Request {
        uid: uid.flatten(),
        kind: kind.unwrap_or_default(),
        namespace: namespace.unwrap_or_default(),
        operation: operation.unwrap_or_default(),
        dry_run: dry_run.flatten(),
        object: object.flatten(),
    })
}

fn group_version_kind<'a>(reader: &mut Reader<'a>) -> Option<GroupVersionKind<'a>> {
    let (mut group, mut version, mut kind) = (None, None, None);
    reader.members(|reader, member| match member {
        "group" => put(&mut group, reader.text()),
        "version" => put(&mut version, reader.text()),
        "kind" => put(&mut kind, reader.text()),
        _ => reader.skip(),
    })?;
    Some(GroupVersionKind {
        group: group.unwrap_or_default(),
        version: version.unwrap_or_default(),
        kind: kind.unwrap_or_default(),
    })
}
