/// The attributes of the sections of a service, in the order in which docker compose writes them.
extension Extends {
    static let shape = Shape<Extends>([.init("file", \.file, .text), .init("service", \.service, .text)])
}

extension EnvFile {
    static let shape = Shape<EnvFile>(
        [
            .init("path", \.path, .text), .init("required", \.required, .alwaysFlag), .init("format", \.format, .text),
        ], extensions: \.extensions)
}

extension Develop {
    static let shape = Shape<Develop>(
        [
            .init("watch", \.watch, .list(Trigger(path: "", action: ""), Trigger.shape))
        ], extensions: \.extensions)
}

extension Develop.Trigger {
    static let shape = Shape<Develop.Trigger>(
        [
            .init("path", \.path, .alwaysText),
            .init("action", \.action, .alwaysText),
            .init("target", \.target, .text),
            .init("exec", \.exec, .structure(Hook(), Hook.shape)),
            .init("include", \.include, .strings),
            .init("ignore", \.ignore, .strings),
            .init("initial_sync", \.initialSync, .flag),
        ], extensions: \.extensions)
}

extension Hook {
    static let shape = Shape<Hook>(
        [
            .init("command", \.command, .command),
            .init("user", \.user, .text),
            .init("privileged", \.privileged, .flag),
            .init("working_dir", \.workingDir, .text),
            .init("environment", \.environment, .environment),
        ], extensions: \.extensions)
}

extension BlkioConfig {
    static let shape = Shape<BlkioConfig>(
        [
            .init("weight", \.weight, .unquotedCount),
            .init("weight_device", \.weightDevice, .list(Weight(path: "", weight: 0), Weight.shape)),
            .init("device_read_bps", \.deviceReadBps, .list(Throttle(path: "", rate: 0), Throttle.shape)),
            .init("device_read_iops", \.deviceReadIOps, .list(Throttle(path: "", rate: 0), Throttle.shape)),
            .init("device_write_bps", \.deviceWriteBps, .list(Throttle(path: "", rate: 0), Throttle.shape)),
            .init("device_write_iops", \.deviceWriteIOps, .list(Throttle(path: "", rate: 0), Throttle.shape)),
        ], extensions: \.extensions)
}

extension BlkioConfig.Weight {
    static let shape = Shape<BlkioConfig.Weight>([
        .init("path", \.path, .alwaysText, json: "Path"), .init("weight", \.weight, .alwaysNumber, json: "Weight"),
    ])
}

extension BlkioConfig.Throttle {
    static let shape = Shape<BlkioConfig.Throttle>([
        .init("path", \.path, .alwaysText, json: "Path"), .init("rate", \.rate, .alwaysBytes, json: "Rate"),
    ])
}

extension FileReference {
    static let shape = Shape<FileReference>(
        [
            .init("source", \.source, .text),
            .init("target", \.target, .text),
            .init("uid", \.uid, .text),
            .init("gid", \.gid, .text),
            .init("mode", \.mode, .mode),
        ], extensions: \.extensions)
}

extension CredentialSpec {
    static let shape = Shape<CredentialSpec>(
        [
            .init("config", \.config, .text), .init("file", \.file, .text), .init("registry", \.registry, .text),
        ], extensions: \.extensions)
}

extension Dependency {
    static let shape = Shape<Dependency>(
        [
            .init("condition", \.condition, .word),
            .init("restart", \.restart, .flag),
            .init("required", \.required, .alwaysFlag),
        ], extensions: \.extensions)
}

extension DeviceMapping {
    static let shape = Shape<DeviceMapping>(
        [
            .init("source", \.source, .text),
            .init("target", \.target, .text),
            .init("permissions", \.permissions, .text),
        ], extensions: \.extensions)
}

extension DeviceRequest {
    static let shape = Shape<DeviceRequest>(
        [
            .init("capabilities", \.capabilities, .strings),
            .init("driver", \.driver, .text),
            .init("count", \.count, .deviceCount),
            .init("device_ids", \.deviceIDs, .strings),
            .init("options", \.options, .mapping),
        ], extensions: \.extensions)
}

extension Provider {
    static let shape = Shape<Provider>([.init("type", \.type, .text), .init("options", \.options, .options)])
}

extension Healthcheck {
    static let shape = Shape<Healthcheck>(
        [
            .init("test", \.test, .healthTest),
            .init("timeout", \.timeout, .duration),
            .init("interval", \.interval, .duration),
            .init("retries", \.retries, .count),
            .init("start_period", \.startPeriod, .duration),
            .init("start_interval", \.startInterval, .duration),
            .init("disable", \.disable, .flag),
        ], extensions: \.extensions)
}

extension Logging {
    static let shape = Shape<Logging>(
        [.init("driver", \.driver, .text), .init("options", \.options, .mapping)], extensions: \.extensions)
}

extension ModelReference {
    static let shape = Shape<ModelReference>(
        [
            .init("endpoint_var", \.endpointVar, .text), .init("model_var", \.modelVar, .text),
        ], extensions: \.extensions)
}

extension NetworkAttachment {
    static let shape = Shape<NetworkAttachment>(
        [
            .init("aliases", \.aliases, .strings),
            .init("driver_opts", \.driverOpts, .mapping),
            .init("gw_priority", \.gwPriority, .number),
            .init("interface_name", \.interfaceName, .text),
            .init("ipv4_address", \.ipv4Address, .text),
            .init("ipv6_address", \.ipv6Address, .text),
            .init("link_local_ips", \.linkLocalIPs, .strings),
            .init("mac_address", \.macAddress, .text),
            .init("priority", \.priority, .number),
        ], extensions: \.extensions)
}

extension Port {
    static let shape = Shape<Port>(
        [
            .init("name", \.name, .text),
            .init("mode", \.mode, .text),
            .init("host_ip", \.hostIP, .text),
            .init("target", \.target, .count),
            .init("published", \.published, .text),
            .init("protocol", \.proto, .text),
            .init("app_protocol", \.appProtocol, .text),
        ], extensions: \.extensions)
}

extension Mount {
    static let shape = Shape<Mount>(
        [
            .init("type", \.kind, .word),
            .init("source", \.source, .text),
            .init("target", \.target, .text),
            .init("read_only", \.readOnly, .flag),
            .init("consistency", \.consistency, .text),
            .init("bind", \.bind, .section(Bind(), Bind.shape)),
            .init("volume", \.volume, .section(VolumeOptions(), VolumeOptions.shape)),
            .init("tmpfs", \.tmpfs, .section(TmpfsOptions(), TmpfsOptions.shape)),
            .init("image", \.image, .section(ImageOptions(), ImageOptions.shape)),
        ], extensions: \.extensions)
}

extension Mount.Bind {
    static let shape = Shape<Mount.Bind>(
        [
            .init("selinux", \.selinux, .text),
            .init("propagation", \.propagation, .text),
            .init("create_host_path", \.writtenCreateHostPath, .createHostPath),
            .init("recursive", \.recursive, .text),
        ], extensions: \.extensions)
}

extension Mount.VolumeOptions {
    static let shape = Shape<Mount.VolumeOptions>(
        [
            .init("labels", \.labels, .mapping), .init("nocopy", \.nocopy, .flag), .init("subpath", \.subpath, .text),
        ], extensions: \.extensions)
}

extension Mount.TmpfsOptions {
    static let shape = Shape<Mount.TmpfsOptions>(
        [.init("size", \.size, .bytes), .init("mode", \.mode, .unquotedCount)], extensions: \.extensions)
}

extension Mount.ImageOptions {
    static let shape = Shape<Mount.ImageOptions>([.init("subpath", \.subpath, .text)], extensions: \.extensions)
}
