/// The attributes of `build` and `deploy`, in the order in which docker compose writes them.
extension Build {
    static let shape = Shape<Build>(
        [
            .init("context", \.context, .text),
            .init("dockerfile", \.dockerfile, .text),
            .init("dockerfile_inline", \.dockerfileInline, .text),
            .init("entitlements", \.entitlements, .strings),
            .init("args", \.args, .arguments),
            .init("provenance", \.provenance, .textOrFlag),
            .init("sbom", \.sbom, .textOrFlag),
            .init("ssh", \.ssh, .agents),
            .init("labels", \.labels, .mapping),
            .init("cache_from", \.cacheFrom, .strings),
            .init("cache_to", \.cacheTo, .strings),
            .init("no_cache", \.noCache, .flag),
            .init("additional_contexts", \.additionalContexts, .mapping),
            .init("pull", \.pull, .flag),
            .init("extra_hosts", \.extraHosts, .hosts),
            .init("isolation", \.isolation, .text),
            .init("network", \.network, .text),
            .init("target", \.target, .text),
            .init("secrets", \.secrets, .list(FileReference(source: ""), FileReference.shape)),
            .init("shm_size", \.shmSize, .bytes),
            .init("tags", \.tags, .strings),
            .init("ulimits", \.ulimits, .ulimits),
            .init("platforms", \.platforms, .strings),
            .init("privileged", \.privileged, .flag),
        ], extensions: \.extensions)
}

extension Deploy {
    static let shape = Shape<Deploy>(
        [
            .init("mode", \.mode, .text),
            .init("replicas", \.replicas, .number, .rendered),
            .init("labels", \.labels, .mapping),
            .init("update_config", \.updateConfig, .section(UpdateConfig(), UpdateConfig.shape)),
            .init("rollback_config", \.rollbackConfig, .section(UpdateConfig(), UpdateConfig.shape)),
            .init("resources", \.resources, .structure(Resources(), Resources.shape)),
            .init("restart_policy", \.restartPolicy, .section(RestartPolicy(), RestartPolicy.shape)),
            .init("placement", \.placement, .structure(Placement(), Placement.shape)),
            .init("endpoint_mode", \.endpointMode, .text),
        ], extensions: \.extensions)
}

extension Deploy.UpdateConfig {
    static let shape = Shape<Deploy.UpdateConfig>(
        [
            .init("parallelism", \.parallelism, .count),
            .init("delay", \.delay, .duration),
            .init("failure_action", \.failureAction, .text),
            .init("monitor", \.monitor, .duration),
            .init("max_failure_ratio", \.maxFailureRatio, .float),
            .init("order", \.order, .text),
        ], extensions: \.extensions)
}

extension Deploy.Resources {
    static let shape = Shape<Deploy.Resources>(
        [
            .init("limits", \.limits, .section(Deploy.Resource(), Deploy.Resource.shape)),
            .init("reservations", \.reservations, .section(Deploy.Resource(), Deploy.Resource.shape)),
        ], extensions: \.extensions)
}

extension Deploy.Resource {
    static let shape = Shape<Deploy.Resource>(
        [
            .init("cpus", \.cpus, .float),
            .init("memory", \.memory, .bytes),
            .init("pids", \.pids, .number),
            .init("devices", \.devices, .list(DeviceRequest(), DeviceRequest.shape)),
            .init(
                "generic_resources", \.genericResources, .list(Deploy.GenericResource(), Deploy.GenericResource.shape)),
        ], extensions: \.extensions)
}

extension Deploy.GenericResource {
    static let shape = Shape<Deploy.GenericResource>(
        [
            .init(
                "discrete_resource_spec", \.discreteResourceSpec,
                .section(Deploy.DiscreteResource(kind: "", value: 0), Deploy.DiscreteResource.shape))
        ], extensions: \.extensions)
}

extension Deploy.DiscreteResource {
    static let shape = Shape<Deploy.DiscreteResource>(
        [
            .init("kind", \.kind, .alwaysText), .init("value", \.value, .alwaysNumber),
        ], extensions: \.extensions)
}

extension Deploy.RestartPolicy {
    static let shape = Shape<Deploy.RestartPolicy>(
        [
            .init("condition", \.condition, .text),
            .init("delay", \.delay, .duration),
            .init("max_attempts", \.maxAttempts, .count),
            .init("window", \.window, .duration),
        ], extensions: \.extensions)
}

extension Deploy.Placement {
    static let shape = Shape<Deploy.Placement>(
        [
            .init("constraints", \.constraints, .strings),
            .init("preferences", \.preferences, .spreads),
            .init("max_replicas_per_node", \.maxReplicasPerNode, .count),
        ], extensions: \.extensions)
}
