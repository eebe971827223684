# One image for every process of the plant; docker-compose.yml says which is which.
FROM python:3.13-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 \
    MES_MODE=PRODUCTION MES_DATA_DIR=/data NUMBA_CACHE_DIR=/data/numba
WORKDIR /app
RUN useradd --system --uid 10001 --home-dir /app downstream \
    && mkdir /data && chown downstream /data

COPY requirements.txt .
RUN pip install --require-hashes -r requirements.txt

COPY . .
# Collected under the owner, served by everybody; the key signs nothing that outlives this line.
RUN SECRET_KEY=only-for-collecting-static-files python manage.py collectstatic --no-input -v 0

USER downstream
# A named volume on /data takes over its owner, and keeps the compiled kernels between starts.
VOLUME /data
EXPOSE 8000 8001
