# BlazePose's and MoveNet's weights, hash-checked, in an image of their own: detectors get them from it at their start (docs/images.md).
#   docker build -f deploy/images/models.Dockerfile -t localhost/liftline-models:0.1.0 .
ARG BUILD_IMAGE=docker.io/library/python:3.11-slim-bookworm
ARG RUNTIME_IMAGE=docker.io/library/python:3.11-slim-bookworm

FROM ${BUILD_IMAGE} AS fetched
WORKDIR /source
COPY deploy/locks/models.txt deploy/locks/build.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv --without-pip /venv && python3 -m venv --without-pip /tools \
    && python3 -m pip --python /venv/bin/python install --quiet --no-deps --require-hashes --no-build-isolation -r models.txt \
    && python3 -m pip --python /tools/bin/python install --quiet --no-deps --require-hashes --no-build-isolation -r build.txt
COPY liftline liftline
COPY services/detector services/detector
COPY cli cli
RUN --mount=type=cache,target=/root/.cache/pip \
    mkdir /models && PYTHONPATH=/source:/source/services/detector:/source/cli LIFTLINE_MODELS_DIR=/models /venv/bin/python -m liftline_cli.main models fetch
COPY deploy/images/models_sbom.py ./
WORKDIR /models
RUN sha256sum -- *.tflite > SHA256SUMS && chmod 0444 ./* && /tools/bin/python /source/models_sbom.py SHA256SUMS > /sbom.cdx.json

FROM ${RUNTIME_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Liftline models" \
      org.opencontainers.image.description="BlazePose's and MoveNet's weights, for Liftline's detector" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=fetched /models /models
COPY --from=fetched /sbom.cdx.json /opt/liftline/sbom.cdx.json
# Where it copies them to, and where compose.yaml mounts the volumes of servers: a new volume takes over the owner.
RUN mkdir -p /target /volumes/nats /volumes/s3 && chown 10001:10001 /target /volumes/nats /volumes/s3
USER 10001:10001
CMD ["sh", "-ec", "cp /models/* /target/; cd /target; sha256sum -c SHA256SUMS"]
