# One image for the service and for the CAS simulator: `docker run ... serve`, `... simulator`, `... migrate`.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The optional dependencies are Node itself for machines without it, and nothing here has an install script to run.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:24-slim
# kafkajs 2.2 computes a negative pause, which Node mentions and takes as none.
ENV NODE_ENV=production NODE_OPTIONS=--disable-warning=TimeoutNegativeWarning
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY schemas ./schemas
COPY migrations ./migrations
COPY src ./src
USER node
# HTTP_PORT of the service, SIMULATOR_PORT of the simulator.
EXPOSE 8080 8090
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HTTP_PORT || 8080}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "src/cli.ts"]
CMD ["serve"]
