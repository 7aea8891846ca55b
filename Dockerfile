# One image for every process of Rentabook; the command picks one: `node router/main.ts`, `node operate/migrate.ts` …
# Node runs the TypeScript as it stands, so nothing but the page is compiled, and what is copied is the same for every processor.

FROM --platform=$BUILDPLATFORM node:26-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# GraphiQL is served as the one file it ships: the hundred packages that file was made of stay out, as do types and maps. Licences stay.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund \
 && mkdir /graphiql \
 && cp node_modules/graphiql/LICENSE node_modules/graphiql/package.json node_modules/graphiql/graphiql.min.js \
       node_modules/graphiql/graphiql.min.css /graphiql \
 && npm uninstall --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund graphiql \
 && mv /graphiql node_modules/graphiql \
 && find node_modules -type f \( -name '*.map' -o -name '*.ts' -o -name '*.cts' -o -name '*.mts' -o -name '*.md' \) \
      ! -iname 'licen[cs]e*' ! -iname 'notice*' -delete

FROM --platform=$BUILDPLATFORM node:26-bookworm-slim AS page
WORKDIR /app
COPY package.json package-lock.json tsconfig.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY platform ./platform
COPY web ./web
RUN node web/build.ts

FROM --platform=$BUILDPLATFORM node:26-bookworm-slim AS source
WORKDIR /app
COPY . .
RUN rm -r web tsconfig.json
COPY --from=page /app/web/dist ./web/dist
# Readable by any user, whatever the umask of the checkout.
RUN chmod -R u=rwX,go=rX .

FROM node:26-bookworm-slim
# Nobody installs anything in here.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn* /opt/yarn*
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000 APOLLO_TELEMETRY_DISABLED=true
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=source /app ./
USER 1000:1000
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s --retries=3 CMD ["node", "platform/healthcheck.ts"]
ENTRYPOINT []
CMD ["node", "router/main.ts"]
# Last, since they change with each build.
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="Rentabook" \
      org.opencontainers.image.description="Book rental by delivery: a federated, event-driven GraphQL system" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.licenses="LicenseRef-UNLICENSED AND Elastic-2.0 AND MIT AND Apache-2.0"
