package import Compose

extension Service {
    /// How many containers the service has (`deploy.replicas`, else `scale`, else 1).
    package var replicas: Int { deploy?.replicas ?? scale ?? 1 }

    /// The longest its health check can take to give a verdict: what the service says of it, else what its image says, else
    /// the engine's defaults of 30 s for interval and timeout and 3 retries; and ten seconds for the engine itself.
    ///
    /// - Parameter image: the service's image; nil when it is not known.
    package func derivedHealthTimeout(image: ObservedState.Image? = nil) -> Duration {
        let own = healthcheck?.isSwitchedOff == true ? nil : healthcheck
        let inherited = healthcheck?.isSwitchedOff == true ? nil : image?.healthcheck
        // To the engine, zero says nothing.
        func time(_ own: Duration?, _ inherited: Duration?, _ otherwise: Duration) -> Duration {
            [own, inherited].compactMap { $0 }.first { $0 > .zero } ?? otherwise
        }
        let round =
            time(own?.interval, inherited?.interval, .seconds(30))
            + time(own?.timeout, inherited?.timeout, .seconds(30))
        let retries = [own?.retries, inherited?.retries].compactMap { $0 }.first { $0 > 0 } ?? 3
        return time(own?.startPeriod, inherited?.startPeriod, .zero) + round * (retries + 1) + .seconds(10)
    }

    /// Restarts by the engine after which a container of it is crash-looping. Where a policy allows a number of them, the
    /// last one may still succeed, and the engine gives up by itself.
    package var mostRestarts: Int {
        max(Wait<ContainerID>.defaultMostRestarts, (allowedRestarts ?? 0) + 1)
    }

    /// `on-failure:N`, or `max_attempts` of `deploy.restart_policy`.
    private var allowedRestarts: Int? {
        if let policy = deploy?.restartPolicy { return policy.condition == "on-failure" ? policy.maxAttempts : nil }
        guard let restart, restart.hasPrefix("on-failure:") else { return nil }
        return Int(restart.dropFirst("on-failure:".count))
    }
}

extension Project {
    /// Whether exiting with status 0 is how the service succeeds: another one waits for it to complete, or nothing says
    /// that it should go on running.
    ///
    /// A health check (the service's own, or that of its image), a published or exposed port, a restart policy that starts
    /// it again after success, `start-first`, several replicas, a dependant that wants it healthy and one that shares its namespaces say so.
    ///
    /// - Parameter image: the service's image; nil when it is not known.
    package func isJob(_ name: String, image: ObservedState.Image? = nil) -> Bool {
        guard let service = services[name] else { return false }
        let dependants = services.values
        if dependants.contains(where: { $0.dependsOn[name]?.condition == .completedSuccessfully }) { return true }
        return !service.hasHealthcheck(image) && service.ports.isEmpty && service.expose.isEmpty
            && !service.restartsAfterSuccess && !service.startsFirst && service.replicas == 1
            && !dependants.contains { $0.dependsOn[name]?.condition == .healthy || $0.namespaceOwners.contains(name) }
    }
}

extension Service {
    /// Whether its containers have a health check: one of their own, else that of the image unless it is disabled.
    package func hasHealthcheck(_ image: ObservedState.Image?) -> Bool {
        guard let check = healthcheck else { return image?.hasHealthcheck ?? false }
        if check.isSwitchedOff { return false }
        return !check.test.isEmpty || image?.hasHealthcheck ?? false
    }

    /// Whether the engine starts its containers again after they exited with status 0.
    fileprivate var restartsAfterSuccess: Bool {
        if let policy = deploy?.restartPolicy { return policy.condition == "any" }
        return restart == "always" || restart == "unless-stopped"
    }
}
