extension Schema {
    static let build = Schema.either(
        .string,
        .object([
            "context": .string,
            "dockerfile": .string,
            "dockerfile_inline": .string,
            "entitlements": .list(.string),
            "args": keyValues,
            "ssh": keyValues,
            "labels": keyValues,
            "cache_from": .list(.string),
            "cache_to": .list(.string),
            "no_cache": flag,
            "additional_contexts": keyValues,
            "network": .string,
            "provenance": flag,
            "sbom": flag,
            "pull": flag,
            "target": .string,
            "shm_size": count,
            "extra_hosts": extraHosts,
            "isolation": .string,
            "privileged": flag,
            "secrets": fileReferences,
            "tags": .list(.string),
            "ulimits": ulimits,
            "platforms": .list(.string),
        ]))

    static let develop = Schema.either(
        .null,
        .object([
            "watch": .list(
                .object(
                    [
                        "ignore": stringOrList, "include": stringOrList, "path": .string,
                        "action": .word("rebuild", "sync", "restart", "sync+restart", "sync+exec"),
                        "target": .string, "exec": hook, "initial_sync": .boolean,
                    ], required: ["path", "action"]))
        ]))

    static let deploy = Schema.either(
        .null,
        .object([
            "mode": .string,
            "endpoint_mode": .string,
            "replicas": count,
            "labels": keyValues,
            "rollback_config": updateConfig,
            "update_config": updateConfig,
            "resources": .object([
                "limits": .object(["cpus": amount, "memory": .string, "pids": count]),
                "reservations": .object([
                    "cpus": amount, "memory": .string, "generic_resources": .list(genericResource),
                    "devices": .list(device),
                ]),
            ]),
            "restart_policy": .object([
                "condition": .string, "delay": .string, "max_attempts": count, "window": .string,
            ]),
            "placement": .object([
                "constraints": .list(.string), "preferences": .list(.object(["spread": .string])),
                "max_replicas_per_node": count,
            ]),
        ]))

    private static let updateConfig = Schema.object([
        "parallelism": count, "delay": .string, "failure_action": .string, "monitor": .string,
        "max_failure_ratio": amount, "order": .word("start-first", "stop-first"),
    ])

    private static let genericResource = Schema.object([
        "discrete_resource_spec": .object(["kind": .string, "value": amount])
    ])

    private static let deviceKeys: [String: Schema] = [
        "capabilities": strings, "count": count, "device_ids": strings, "driver": .string, "options": keyValues,
    ]

    private static let device = Schema.object(
        Object(keys: deviceKeys, required: ["capabilities"], isExtensible: true))

    static let gpu = Schema.object(Object(keys: deviceKeys, isExtensible: true, others: .any))

    static let hook = Schema.object(
        [
            "command": command, "user": .string, "privileged": flag, "working_dir": .string,
            "environment": keyValues,
        ], required: ["command"])

    static let extraHosts = Schema.either(
        .dictionary(of: .either(.string, .list(.string))), strings)

    static let ioLimit = Schema.object(["path": .string, "rate": count], extensible: false)

    /// Entries of `secrets` and `configs` of a service.
    static let fileReferences = Schema.list(
        .either(
            .string,
            .object(["source": .string, "target": .string, "uid": .string, "gid": .string, "mode": amount])))

    static let ulimits = Schema.dictionary(
        of: .either(
            .integer, .string, .object(["hard": count, "soft": count], required: ["soft", "hard"])),
        keys: .lowercaseWord, others: .any)

    /// A volume in long syntax.
    static let volumeMount = Schema.object(
        [
            "type": .word("bind", "volume", "tmpfs", "cluster", "npipe", "image"),
            "source": .string,
            "target": .string,
            "read_only": flag,
            "consistency": .string,
            "bind": .object([
                "propagation": .string, "create_host_path": flag,
                "recursive": .word("enabled", "disabled", "writable", "readonly"), "selinux": .word("z", "Z"),
            ]),
            "volume": .object(["labels": keyValues, "nocopy": flag, "subpath": .string]),
            "tmpfs": .object(["size": .either(.integer(0...Int.max), .string), "mode": amount]),
            "image": .object(["subpath": .string]),
        ], required: ["type"])
}
