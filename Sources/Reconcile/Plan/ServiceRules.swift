package import Compose

extension Service {
    /// How many containers the service has (`deploy.replicas`, else `scale`, else 1).
    package var replicas: Int { deploy?.replicas ?? scale ?? 1 }

    /// The longest its health check can take to give a verdict, with the engine's defaults for what is not set:
    /// interval 30 s, timeout 30 s, 3 retries; and ten seconds for the engine itself.
    package var derivedHealthTimeout: Duration {
        let check = healthcheck
        let round = (check?.interval ?? .seconds(30)) + (check?.timeout ?? .seconds(30))
        let retries = max(check?.retries ?? 3, 1)
        return (check?.startPeriod ?? .zero) + round * (retries + 1) + .seconds(10)
    }
}
