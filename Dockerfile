# The gateway alone: keys, records and rate limits are engines of their own (see compose.yaml).
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml setup.py MANIFEST.in LICENSE README* ./
COPY vault_gateway ./vault_gateway
COPY policies ./policies
RUN python -m venv /opt/vault-gateway \
 && /opt/vault-gateway/bin/pip install --no-cache-dir --disable-pip-version-check . \
 && /opt/vault-gateway/bin/pip uninstall --yes --quiet pip

FROM python:3.12-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin vault-gateway
COPY --from=build /opt/vault-gateway /opt/vault-gateway
ENV PATH=/opt/vault-gateway/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    VAULT_GATEWAY_HOST=0.0.0.0 \
    VAULT_GATEWAY_PORT=8080
USER 10001
EXPOSE 8080
# That the process answers; whether it is ready for traffic (`/readyz`) is for the balancer to ask.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['VAULT_GATEWAY_PORT'] + '/healthz', timeout=2)"]
ENTRYPOINT ["vault-gateway"]
CMD ["serve"]
