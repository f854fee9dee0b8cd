//! A pod's members, as [`view`](crate::view) has them.

use super::{Reader, put};
use crate::view::{
    ContainerView, EnvView, ItemView, MetadataView, MountView, PodView, SecretVolumeView, SecurityView, SpecView,
    VolumeView,
};

/// A whole text that is a pod.
pub(crate) fn pod(json: &str) -> Option<PodView<'_>> {
    let mut reader = Reader::new(json);
    let pod = view(&mut reader)?;
    reader.is_at_end().then_some(pod)
}

pub(super) fn view<'a>(reader: &mut Reader<'a>) -> Option<PodView<'a>> {
    let (mut api_version, mut kind, mut meta, mut body) = (None, None, None, None);
    reader.members(|reader, name| match name {
        "apiVersion" => put(&mut api_version, reader.text()),
        "kind" => put(&mut kind, reader.text()),
        "metadata" => put(&mut meta, reader.nullable_object(metadata)),
        "spec" => put(&mut body, reader.nullable_object(spec)),
        _ => reader.skip(),
    })?;
    Some(PodView {
        api_version: api_version.unwrap_or_default(),
        kind: kind.unwrap_or_default(),
        metadata: meta.flatten().unwrap_or_default(),
        spec: body.flatten(),
    })
}

fn metadata<'a>(reader: &mut Reader<'a>) -> Option<MetadataView<'a>> {
    let (mut name, mut generate_name, mut namespace, mut labels, mut annotations) = (None, None, None, None, None);
    reader.members(|reader, member| match member {
        "name" => put(&mut name, reader.text()),
        "generateName" => put(&mut generate_name, reader.text()),
        "namespace" => put(&mut namespace, reader.text()),
        "labels" => put(&mut labels, reader.pairs()),
        "annotations" => put(&mut annotations, reader.pairs()),
        _ => reader.skip(),
    })?;
    Some(MetadataView {
        name: name.unwrap_or_default(),
        generate_name: generate_name.unwrap_or_default(),
        namespace: namespace.unwrap_or_default(),
        labels: labels.unwrap_or_default(),
        annotations: annotations.unwrap_or_default(),
    })
}

fn spec<'a>(reader: &mut Reader<'a>) -> Option<SpecView<'a>> {
    let (mut account, mut containers, mut init_containers, mut volumes, mut context) = (None, None, None, None, None);
    reader.members(|reader, member| match member {
        "serviceAccountName" => put(&mut account, reader.text()),
        "containers" => put(&mut containers, reader.objects(container)),
        "initContainers" => put(&mut init_containers, reader.objects(container)),
        "volumes" => put(&mut volumes, reader.objects(volume)),
        "securityContext" => put(&mut context, reader.nullable_object(security)),
        _ => reader.skip(),
    })?;
    Some(SpecView {
        service_account_name: account.unwrap_or_default(),
        containers: containers.unwrap_or_default(),
        init_containers: init_containers.unwrap_or_default(),
        volumes: volumes.unwrap_or_default(),
        security_context: context.flatten(),
    })
}

fn container<'a>(reader: &mut Reader<'a>) -> Option<ContainerView<'a>> {
    let (mut name, mut env, mut mounts, mut resources) = (None, None, None, None);
    let (mut context, mut image, mut command, mut args) = (None, None, None, None);
    reader.members(|reader, member| match member {
        "name" => put(&mut name, reader.text()),
        "env" => put(&mut env, reader.objects(variable)),
        "volumeMounts" => put(&mut mounts, reader.objects(mount)),
        "resources" => put(&mut resources, reader.nullable(Reader::raw)),
        "securityContext" => put(&mut context, reader.nullable_object(security)),
        "image" => put(&mut image, reader.text()),
        "command" => put(&mut command, reader.list(Reader::text)),
        "args" => put(&mut args, reader.nullable(Reader::words)),
        _ => reader.skip(),
    })?;
    Some(ContainerView {
        name: name.unwrap_or_default(),
        env: env.unwrap_or_default(),
        volume_mounts: mounts.unwrap_or_default(),
        resources: resources.flatten(),
        security_context: context.flatten(),
        image: image.unwrap_or_default(),
        command: command.unwrap_or_default(),
        args: args.flatten(),
    })
}

fn security(reader: &mut Reader<'_>) -> Option<SecurityView> {
    let (mut run_as_user, mut fs_group) = (None, None);
    reader.members(|reader, member| match member {
        "runAsUser" => put(&mut run_as_user, reader.nullable(Reader::integer)),
        "fsGroup" => put(&mut fs_group, reader.nullable(Reader::integer)),
        _ => reader.skip(),
    })?;
    Some(SecurityView { run_as_user: run_as_user.flatten(), fs_group: fs_group.flatten() })
}

fn variable<'a>(reader: &mut Reader<'a>) -> Option<EnvView<'a>> {
    let (mut name, mut value, mut value_from) = (None, None, None);
    reader.members(|reader, member| match member {
        "name" => put(&mut name, reader.text()),
        "value" => put(&mut value, reader.nullable(Reader::text)),
        "valueFrom" => put(&mut value_from, reader.nullable(Reader::raw)),
        _ => reader.skip(),
    })?;
    Some(EnvView { name: name.unwrap_or_default(), value: value.flatten(), value_from: value_from.flatten() })
}

fn mount<'a>(reader: &mut Reader<'a>) -> Option<MountView<'a>> {
    let (mut name, mut mount_path, mut read_only, mut sub_path) = (None, None, None, None);
    reader.members(|reader, member| match member {
        "name" => put(&mut name, reader.text()),
        "mountPath" => put(&mut mount_path, reader.text()),
        "readOnly" => put(&mut read_only, reader.nullable(Reader::bool)),
        "subPath" => put(&mut sub_path, reader.nullable(Reader::text)),
        _ => reader.skip(),
    })?;
    Some(MountView {
        name: name.unwrap_or_default(),
        mount_path: mount_path.unwrap_or_default(),
        read_only: read_only.flatten(),
        sub_path: sub_path.flatten(),
    })
}

fn volume<'a>(reader: &mut Reader<'a>) -> Option<VolumeView<'a>> {
    let (mut name, mut secret, mut projected, mut empty_dir) = (None, None, None, None);
    reader.members(|reader, member| match member {
        "name" => put(&mut name, reader.text()),
        "secret" => put(&mut secret, reader.nullable_object(secret_volume)),
        "projected" => put(&mut projected, reader.nullable(Reader::raw)),
        "emptyDir" => put(&mut empty_dir, reader.nullable(Reader::raw)),
        _ => reader.skip(),
    })?;
    Some(VolumeView {
        name: name.unwrap_or_default(),
        secret: secret.flatten(),
        projected: projected.flatten(),
        empty_dir: empty_dir.flatten(),
    })
}

fn secret_volume<'a>(reader: &mut Reader<'a>) -> Option<SecretVolumeView<'a>> {
    let (mut secret_name, mut items) = (None, None);
    reader.members(|reader, member| match member {
        "secretName" => put(&mut secret_name, reader.text()),
        "items" => put(&mut items, reader.objects(item)),
        _ => reader.skip(),
    })?;
    Some(SecretVolumeView { secret_name: secret_name.unwrap_or_default(), items: items.unwrap_or_default() })
}

fn item<'a>(reader: &mut Reader<'a>) -> Option<ItemView<'a>> {
    let (mut key, mut path) = (None, None);
    reader.members(|reader, member| match member {
        "key" => put(&mut key, reader.text()),
        "path" => put(&mut path, reader.text()),
        _ => reader.skip(),
    })?;
    Some(ItemView { key: key.unwrap_or_default(), path: path.unwrap_or_default() })
}
