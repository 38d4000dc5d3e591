extension Schema {
    /// A whole Compose file.
    static let file = Schema.object([
        "version": .string,
        "name": .string,
        "include": .list(include),
        "services": .dictionary(of: service, keys: .resourceName),
        "models": .dictionary(of: model, keys: .resourceName, others: .any),
        "networks": .dictionary(
            of: network, keys: .resourceName, others: .either(.null, .dictionary(of: .any, others: .any))),
        "volumes": .dictionary(of: volume, keys: .resourceName),
        "secrets": .dictionary(of: secret, keys: .resourceName),
        "configs": .dictionary(of: config, keys: .resourceName),
    ])

    private static let include = Schema.either(
        .string,
        .object(
            ["path": stringOrList, "env_file": stringOrList, "project_directory": .string], extensible: false))

    private static let model = Schema.object(
        ["name": .string, "model": .string, "context_size": .integer, "runtime_flags": .list(.string)],
        required: ["model"])

    private static let external = Schema.either(.boolean, .string, .object(["name": .string]))
    /// For secrets and configs, where the deprecated mapping may hold anything beside a name.
    private static let looseExternal = Schema.either(
        .boolean, .string, .object(Object(keys: ["name": .string], others: .any)))

    private static let network = Schema.either(
        .null,
        .object([
            "name": .string,
            "driver": .string,
            "driver_opts": options,
            "ipam": .object([
                "driver": .string,
                "config": .list(
                    .object([
                        "subnet": .string, "ip_range": .string, "gateway": .string,
                        "aux_addresses": .dictionary(of: .string),
                    ])),
                "options": .dictionary(of: .string),
            ]),
            "external": external,
            "internal": flag,
            "enable_ipv4": flag,
            "enable_ipv6": flag,
            "attachable": flag,
            "labels": keyValues,
        ]))

    private static let volume = Schema.either(
        .null,
        .object([
            "name": .string, "driver": .string, "driver_opts": options, "external": external, "labels": keyValues,
        ]))

    private static let secret = Schema.object([
        "name": .string, "environment": .string, "file": .string, "external": looseExternal, "labels": keyValues,
        "driver": .string, "driver_opts": options, "template_driver": .string,
    ])

    private static let config = Schema.object([
        "name": .string, "content": .string, "environment": .string, "file": .string, "external": looseExternal,
        "labels": keyValues, "template_driver": .string,
    ])
}
