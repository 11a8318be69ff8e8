# One image for the service, the CAS simulator and every other command: `docker run … serve`, `… simulator`, `… migrate`.
# docs/image.md says what it needs and promises; `npm run test:image` builds it and holds it to that.

# Both can be replaced, for instance by a mirror, and pinned by digest: docs/image.md. The first needs Node with npm and a
# shell, the second only Node 24 or newer on the PATH, with the same C library.
ARG BUILD_IMAGE=docker.io/library/node:24-bookworm-slim
ARG RUNTIME_IMAGE=docker.io/library/node:24-bookworm-slim

FROM ${BUILD_IMAGE} AS build
WORKDIR /build/dependencies
COPY package.json package-lock.json .npmrc ./
# npm's settings, for a registry of your own: `--secret id=npmrc,src=FILE`, which leaves no trace in the image. No package
# needs its install script. Removed: Node as a package (the base image has it), types and source maps. All users may read
# the rest, whatever the umask of the build: the user id is known only when it runs.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
  npm ci --omit=dev --ignore-scripts \
  && rm -rf node_modules/node-linux-* node_modules/node-bin-* node_modules/.bin node_modules/.package-lock.json \
  && find node_modules -type f '(' -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' ')' -delete \
  && chmod -R a+rX,go-w node_modules
# The web console's packages are needed only to build it.
WORKDIR /build/console
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci --ignore-scripts
COPY tsconfig.json ./
COPY console ./console
COPY dev/image/sbom.ts ./dev/image/sbom.ts
RUN npx vite build --config console/vite.config.ts \
  && node dev/image/sbom.ts /build/dependencies > /build/sbom.cdx.json
WORKDIR /build/product
COPY package.json LICENSE ./
COPY schemas ./schemas
COPY migrations ./migrations
COPY src ./src
RUN mkdir console && cp -r /build/console/console/dist console/dist && cp /build/sbom.cdx.json . && chmod -R a+rX,go-w .

FROM ${RUNTIME_IMAGE}
ARG RUNTIME_IMAGE
ARG REVISION=unknown
ARG CREATED=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="conax-provisioning" \
  org.opencontainers.image.description="Turns CRM.COM actions on subscriptions into Conax Contego commands, in each card's order." \
  org.opencontainers.image.version="0.1.0" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.created="${CREATED}" \
  org.opencontainers.image.source="${SOURCE}" \
  org.opencontainers.image.base.name="${RUNTIME_IMAGE}" \
  org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production BUILD_REVISION="${REVISION}"
WORKDIR /app
COPY --from=build /build/dependencies/node_modules ./node_modules
COPY --from=build /build/product ./
# What Node makes of the modules, for the image's own user: its start takes a fifth less CPU. With another user id Node makes it
# anew at each start. The options of Node must be those of the ENTRYPOINT: Node takes nothing that was made with others.
RUN --mount=type=bind,source=dev/image/compile.ts,target=/tmp/compile.ts ["node", "--max-semi-space-size=16", "--initial-heap-size=64", "--heap-growing-percent=50", "/tmp/compile.ts"]
ENV NODE_COMPILE_CACHE=/app/compiled
# A number, so that Kubernetes can see that it is not root. Any other one works too: nothing is written, and no name is needed.
USER 10001:10001
# HTTP_PORT of the service, SIMULATOR_PORT of the simulator.
EXPOSE 8080 8090
STOPSIGNAL SIGTERM
# No HEALTHCHECK: most commands serve no HTTP, and each check would start a process. docker-compose.yml and docs/image.md
# have checks for those that do.
# kafkajs 2.2 computes a negative pause, which Node mentions and takes as none.
# Without the other three, Node collects no garbage before it has hundreds of megabytes of it.
ENTRYPOINT ["node", "--disable-warning=TimeoutNegativeWarning", "--max-semi-space-size=16", "--initial-heap-size=64", "--heap-growing-percent=50", "/app/src/cli.ts"]
CMD ["serve"]
