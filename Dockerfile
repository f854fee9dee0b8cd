# syntax=docker/dockerfile:1
# The image for those who build with Docker: `docker build -t keybearer:0.1.0 .`
#
# What is in it comes from `cargo xtask image`, which makes the same root, tests it, and needs no Docker; CI runs that one.
# Where CI runs there is no Docker engine, so this file itself is not built there: say so if it breaks for you.

FROM rust:1-bookworm AS build
WORKDIR /keybearer
COPY . .
# The largest blob of the image is its only layer.
RUN cargo xtask image --output /image \
    && mkdir /rootfs \
    && tar -xzf "$(ls -S /image/oci/blobs/sha256/* | head -n 1)" -C /rootfs

FROM scratch
LABEL org.opencontainers.image.title="keybearer" \
      org.opencontainers.image.description="Every task gets the secrets it asked for, and no one else does" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/keybearer/keybearer" \
      org.opencontainers.image.version="0.1.0"
COPY --from=build /rootfs/ /
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/keybearer"]
