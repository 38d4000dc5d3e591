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

extension Project {
    /// Whether exiting with status 0 is how the service succeeds: another one waits for it to complete, or nothing says
    /// that it should go on running.
    ///
    /// A health check (the service's own, or that of its image), a published or exposed port, a restart policy that starts
    /// it again after success, a dependant that wants it healthy and one that shares its namespaces say so.
    ///
    /// - Parameter image: the service's image; nil when it is not known.
    package func isJob(_ name: String, image: ObservedState.Image? = nil) -> Bool {
        guard let service = services[name] else { return false }
        let dependants = services.values
        if dependants.contains(where: { $0.dependsOn[name]?.condition == .completedSuccessfully }) { return true }
        return !service.hasHealthcheck(image) && service.ports.isEmpty && service.expose.isEmpty
            && !service.restartsAfterSuccess
            && !dependants.contains { $0.dependsOn[name]?.condition == .healthy || $0.namespaceOwners.contains(name) }
    }
}

extension Service {
    /// Whether its containers have a health check: one of their own, else that of the image unless it is disabled.
    package func hasHealthcheck(_ image: ObservedState.Image?) -> Bool {
        guard let check = healthcheck else { return image?.hasHealthcheck ?? false }
        if check.disable || check.test.first == "NONE" { return false }
        return !check.test.isEmpty || image?.hasHealthcheck ?? false
    }

    /// Whether the engine starts its containers again after they exited with status 0.
    fileprivate var restartsAfterSuccess: Bool {
        if let policy = deploy?.restartPolicy { return policy.condition == "any" }
        return restart == "always" || restart == "unless-stopped"
    }
}
