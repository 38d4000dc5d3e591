// Tests of DockerEngine.
