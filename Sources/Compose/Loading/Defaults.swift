import YAML

/// Fills in what a file may leave out, before names and paths are resolved.
enum Defaults {
    static func apply(to tree: inout YAMLNode) {
        tree.update("services") { services in
            services.updateEach { _, service in apply(toService: &service) }
        }
    }

    private static func apply(toService service: inout YAMLNode) {
        service.update("build") { build in
            let location = build.location
            build.setDefault("context", .string(".", at: location))
        }
        service.update("secrets") { secrets in
            secrets.updateEach { _, secret in
                let (location, source) = (secret.location, secret["source"]?.goText ?? "")
                secret.setDefault("target", .string("/run/secrets/\(source)", at: location))
            }
        }
        service.update("ports") { ports in
            ports.updateEach { _, port in
                let location = port.location
                port.setDefault("protocol", .string("tcp", at: location))
                port.setDefault("mode", .string("ingress", at: location))
            }
        }
        service.update("gpus", allDevices)
        service.update("deploy") { deploy in
            deploy.update("resources") { resources in
                resources.update("reservations") { $0.update("devices", allDevices) }
            }
        }
    }

    /// Device requests that say neither how many nor which mean all.
    private static func allDevices(_ requests: inout YAMLNode) {
        requests.updateEach { _, request in
            if request["device_ids"] != nil { return }
            let location = request.location
            request.setDefault("count", .string("all", at: location))
        }
    }
}
