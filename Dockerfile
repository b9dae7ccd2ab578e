# An image of the command: docker build -t conformance . && docker run --rm --network host conformance run URL --profile segment
# Reports: mount a directory that the user 10001 may write, docker run --volume "$PWD/reports:/work" ... --html report.html
FROM python:3.13-slim

COPY . /source
RUN python -m venv /opt/conformance && /opt/conformance/bin/pip install --quiet --no-cache-dir /source && rm -rf /source
RUN mkdir /work && chown 10001:10001 /work

ENV PATH=/opt/conformance/bin:$PATH PYTHONUNBUFFERED=1 XDG_CACHE_HOME=/tmp/cache
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["conformance"]
CMD ["--help"]
