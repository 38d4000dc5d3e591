/// The attributes of top-level networks, volumes, configs, secrets and models, in the order in which docker compose
/// writes them.
extension Network {
    static let shape = Shape<Network>(
        [
            .init("name", \.name, .text),
            .init("driver", \.driver, .text),
            .init("driver_opts", \.driverOpts, .mapping),
            .init("ipam", \.ipam, .structure(IPAM(), IPAM.shape)),
            .init("external", \.external, .flag),
            .init("internal", \.internalOnly, .flag),
            .init("attachable", \.attachable, .flag),
            .init("labels", \.labels, .mapping),
            .init("enable_ipv4", \.enableIPv4, .flag),
            .init("enable_ipv6", \.enableIPv6, .flag),
        ], extensions: \.extensions)
}

extension Network.IPAM {
    static let shape = Shape<Network.IPAM>(
        [
            .init("driver", \.driver, .text),
            .init("config", \.config, .list(Network.Pool(), Network.Pool.shape)),
            .init("options", \.options, .mapping, .hashedBy(.v5)),
        ], extensions: \.extensions)
}

extension Network.Pool {
    static let shape = Shape<Network.Pool>(
        [
            .init("subnet", \.subnet, .text),
            .init("gateway", \.gateway, .text),
            .init("ip_range", \.ipRange, .text),
            .init("aux_addresses", \.auxAddresses, .mapping),
        ], extensions: \.extensions)
}

extension Volume {
    static let shape = Shape<Volume>(
        [
            .init("name", \.name, .text),
            .init("driver", \.driver, .text),
            .init("driver_opts", \.driverOpts, .mapping),
            .init("external", \.external, .flag),
            .init("labels", \.labels, .mapping),
        ], extensions: \.extensions)
}

extension FileObject {
    static let shape = Shape<FileObject>(
        [
            .init("name", \.name, .text),
            .init("file", \.file, .text),
            .init("environment", \.environment, .text),
            .init("content", \.content, .text),
            .init("external", \.external, .flag),
            .init("labels", \.labels, .mapping),
            .init("driver", \.driver, .text),
            .init("driver_opts", \.driverOpts, .mapping),
            .init("template_driver", \.templateDriver, .text),
        ], extensions: \.extensions)
}

extension Model {
    static let shape = Shape<Model>(
        [
            .init("name", \.name, .text),
            .init("model", \.model, .text),
            .init("context_size", \.contextSize, .number),
            .init("runtime_flags", \.runtimeFlags, .strings),
        ], extensions: \.extensions)
}
