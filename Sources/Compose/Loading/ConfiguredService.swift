package import YAML

/// A service that the configuration describes instead of a Compose file: a Compose project with nothing else in it.
package struct ConfiguredService: Sendable, Equatable {
    /// The attributes of the service, and what is said of them, as written.
    private let attributes: YAMLNode
    /// The path in the service at which the project's directory is mounted.
    private let mount: String

    /// Keys that a service of a Compose file does not have.
    package static let keys = ["mount", "env_files"]

    /// - Parameter node: A mapping of service attributes and the keys above, with the places where they are written.
    package init(_ node: YAMLNode) {
        attributes = node
        mount = node["mount"]?.string ?? "/src"
    }

    /// The paths of env files, as written.
    package var envFiles: [String] {
        let files = attributes["env_files"]
        return (files?.sequence ?? [files].compactMap(\.self)).compactMap { $0.string ?? $0["path"]?.string }
    }

    /// The Compose file that says the same.
    func document(serviceName: String) -> YAMLNode {
        var service = attributes
        let here = attributes.location
        func node(_ value: YAMLNode.Value) -> YAMLNode { YAMLNode(value, location: here) }
        func mapping(_ values: [(String, YAMLNode)]) -> YAMLNode {
            node(.mapping(YAMLMapping(values.map { .init(key: $0, keyLocation: $1.location, value: $1) })))
        }
        var networks: [(String, YAMLNode)] = []
        var volumes: [(String, YAMLNode)] = []
        service.updateMapping { map in
            map["mount"] = nil
            if let files = map["env_files"] {
                map["env_files"] = nil
                map["env_file"] = files
            }
            if map["restart"] == nil { map["restart"] = node(.string("unless-stopped")) }
            networks = Self.declaredNetworks(&map)
            volumes = Self.declaredVolumes(map)
            let checkout = mapping([
                ("type", node(.string("bind"))), ("source", node(.string("."))), ("target", node(.string(mount))),
            ])
            if map["volumes"] == nil { map["volumes"] = node(.sequence([])) }
            if case .sequence(let given)? = map["volumes"]?.value {
                map["volumes"]?.value = .sequence([checkout] + given)
            }
        }
        var top = [("services", mapping([(serviceName, service)]))]
        if !networks.isEmpty { top.append(("networks", mapping(networks))) }
        if !volumes.isEmpty { top.append(("volumes", mapping(volumes))) }
        return mapping(top)
    }

    /// The networks the service names are the project's own, or, with `external: true`, there already.
    private static func declaredNetworks(_ service: inout YAMLMapping) -> [(String, YAMLNode)] {
        guard let networks = service["networks"] else { return [] }
        switch networks.value {
        case .sequence(let names):
            return names.compactMap { name in
                name.string.map { ($0, YAMLNode(.null, location: name.location)) }
            }
        case .mapping(var map):
            let declared = map.entries.indices.map { index -> (String, YAMLNode) in
                let key = map.entries[index].key
                var declaration = YAMLMapping()
                map.entries[index].value.updateMapping { attachment in
                    for key in ["external", "name"] {
                        declaration[key] = attachment[key]
                        attachment[key] = nil
                    }
                }
                return (key, YAMLNode(.mapping(declaration), location: map.entries[index].keyLocation))
            }
            service["networks"]?.value = .mapping(map)
            return declared
        default: return []
        }
    }

    /// The named volumes that the service mounts.
    private static func declaredVolumes(_ service: YAMLMapping) -> [(String, YAMLNode)] {
        var names: [(String, YAMLNode)] = []
        for volume in service["volumes"]?.sequence ?? [] {
            let name: String?
            if let text = volume.string {
                let source = text.prefix { $0 != ":" }
                name = source.count < text.count && !"./~$".contains(source.first ?? ".") ? String(source) : nil
            } else {
                name = volume["type"]?.string == "volume" ? volume["source"]?.string : nil
            }
            if let name, !names.contains(where: { $0.0 == name }) {
                names.append((name, YAMLNode(.null, location: volume.location)))
            }
        }
        return names
    }
}

extension ProjectLoader.Request {
    /// Makes the request mean a configured service, named as the project is, and no Compose file.
    package mutating func configured(_ service: ConfiguredService, projectName: String) {
        let document = service.document(serviceName: projectName)
        files = [document.location.file]
        preparsed = [document.location.file: [document]]
    }
}
