import YAML

extension Schema {
    /// One service.
    static let service = Schema.object(
        Object(
            keys: identity.merging(runtime) { first, _ in first }
                .merging(resources) { first, _ in first }
                .merging(connections) { first, _ in first },
            isExtensible: true))

    /// What runs and how it is found.
    private static let identity: [String: Schema] = [
        "annotations": keyValues,
        "attach": flag,
        "build": build,
        "command": command,
        "container_name": .text(
            TextRule(expectation: "a name of at least two letters, digits, '_', '.' or '-'") { name in
                let bytes = Array(name.utf8)
                func isAlphanumeric(_ byte: UInt8) -> Bool {
                    (0x41...0x5A).contains(byte & 0xDF) || (0x30...0x39).contains(byte)
                }
                return zip(bytes, bytes.dropFirst()).contains { first, second in
                    isAlphanumeric(first) && (isAlphanumeric(second) || [0x2E, 0x5F, 0x2D].contains(second))
                }
            }),
        "deploy": deploy,
        "develop": develop,
        "entrypoint": command,
        "env_file": .either(
            .string,
            .list(
                .either(
                    .string,
                    .object(
                        ["path": .string, "format": .string, "required": flag], required: ["path"],
                        extensible: false)))),
        "environment": keyValues,
        "extends": .either(
            .string, .object(["service": .string, "file": .string], required: ["service"], extensible: false)),
        "healthcheck": .object([
            "disable": flag, "interval": .string, "retries": amount, "test": .either(.string, .list(.string)),
            "timeout": .string, "start_period": .string, "start_interval": .string,
        ]),
        "image": .string,
        "label_file": .either(.string, .list(.string)),
        "labels": keyValues,
        "platform": .string,
        "post_start": .list(hook),
        "pre_stop": .list(hook),
        "profiles": strings,
        "provider": .object(
            [
                "type": .string,
                "options": .dictionary(
                    of: .either(.string, .number, .boolean, .list(.either(.string, .number, .boolean))), others: .any),
            ], required: ["type"]),
        "pull_policy": .text(
            TextRule(
                expectation:
                    "always, never, build, if_not_present, missing, refresh, daily, weekly or every_<duration>",
                accepts: isPullPolicy)),
        "pull_refresh_after": .string,
        "restart": .string,
        "scale": count,
    ]

    /// Like the reference schema, accepts a text that merely contains one of the words.
    private static func isPullPolicy(_ text: String) -> Bool {
        let words = ["always", "never", "build", "if_not_present", "missing", "refresh", "daily", "weekly"]
        return words.contains { text.contains($0) } || namesInterval(text)
    }

    /// Whether `every_` with a number and a unit stands somewhere in the text.
    private static func namesInterval(_ text: String) -> Bool {
        text.ranges(of: "every_").contains { prefix in
            var scanner = ByteScanner(text[prefix.upperBound...])
            return scanner.skipAll(\.isASCIIDigit) > 0 && scanner.skip { "wdhms".utf8.contains($0) }
        }
    }

    /// What the process sees.
    private static let runtime: [String: Schema] = [
        "cap_add": strings,
        "cap_drop": strings,
        "cgroup": .word("host", "private"),
        "cgroup_parent": .string,
        "configs": fileReferences,
        "credential_spec": .object(["config": .string, "file": .string, "registry": .string]),
        "device_cgroup_rules": strings,
        "devices": .list(
            .either(
                .string,
                .object(["source": .string, "target": .string, "permissions": .string], required: ["source"]))),
        "group_add": .set(.either(.string, .number)),
        "init": flag,
        "ipc": .string,
        "isolation": .string,
        "logging": .object([
            "driver": .string, "options": .dictionary(of: .either(.string, .number, .null), others: .any),
        ]),
        "pid": .either(.string, .null),
        "privileged": flag,
        "read_only": flag,
        "runtime": .string,
        "secrets": fileReferences,
        "security_opt": strings,
        "stdin_open": flag,
        "stop_grace_period": .string,
        "stop_signal": .string,
        "storage_opt": .dictionary(of: .any, others: .any),
        "sysctls": keyValues,
        "tmpfs": stringOrList,
        "tty": flag,
        "ulimits": ulimits,
        "use_api_socket": .boolean,
        "user": .string,
        "userns_mode": .string,
        "uts": .string,
        "volumes": .set(.either(.string, volumeMount)),
        "volumes_from": strings,
        "working_dir": .string,
    ]

    /// What it may use.
    private static let resources: [String: Schema] = [
        "blkio_config": .object(
            [
                "device_read_bps": .list(ioLimit), "device_read_iops": .list(ioLimit),
                "device_write_bps": .list(ioLimit), "device_write_iops": .list(ioLimit), "weight": count,
                "weight_device": .list(.object(["path": .string, "weight": count], extensible: false)),
            ], extensible: false),
        "cpu_count": .either(.string, .integer(0...Int.max)),
        "cpu_percent": .either(.string, .integer(0...100)),
        "cpu_period": amount,
        "cpu_quota": amount,
        "cpu_rt_period": amount,
        "cpu_rt_runtime": amount,
        "cpu_shares": amount,
        "cpus": amount,
        "cpuset": .string,
        "gpus": .either(.word("all"), .list(gpu)),
        "mem_limit": amount,
        "mem_reservation": count,
        "mem_swappiness": count,
        "memswap_limit": amount,
        "oom_kill_disable": flag,
        "oom_score_adj": .either(.string, .integer(-1000...1000)),
        "pids_limit": amount,
        "shm_size": amount,
    ]

    /// What it is connected to.
    private static let connections: [String: Schema] = [
        "depends_on": .either(
            strings,
            .dictionary(
                of: .object(
                    [
                        "restart": flag, "required": .boolean,
                        "condition": .word(
                            "service_started", "service_healthy", "service_completed_successfully"),
                    ], required: ["condition"]), keys: .resourceName)),
        "dns": stringOrList,
        "dns_opt": strings,
        "dns_search": stringOrList,
        "domainname": .string,
        "expose": .set(.either(.string, .number)),
        "external_links": strings,
        "extra_hosts": extraHosts,
        "hostname": .string,
        "links": strings,
        "mac_address": .string,
        "models": .either(
            strings,
            .dictionary(
                of: .either(.null, .object(["endpoint_var": .string, "model_var": .string])), keys: .resourceName,
                others: .any)),
        "network_mode": .string,
        "networks": .either(strings, .dictionary(of: .either(.null, attachment), keys: .resourceName)),
        "ports": .set(
            .either(
                .number, .string,
                .object([
                    "name": .string, "mode": .string, "host_ip": .string, "target": count, "published": count,
                    "protocol": .string, "app_protocol": .string,
                ]))),
    ]

    private static let attachment = Schema.object([
        "aliases": strings, "interface_name": .string, "ipv4_address": .string, "ipv6_address": .string,
        "link_local_ips": strings, "mac_address": .string, "driver_opts": options, "priority": .number,
        "gw_priority": .number,
    ])
}
