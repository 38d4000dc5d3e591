import YAML

/// Rules that tie parts of a project together and need the typed model: what refers to what, and attributes that
/// exclude each other (the last step before docker compose accepts a project).
///
/// Only enabled services are held to them, so that a profile nobody uses cannot break the project.
struct ConsistencyCheck {
    private let project: Project
    private let tree: CanonicalTree
    private var problems: [ComposeError.Problem] = []

    /// Throws `ComposeError` with every rule the project breaks.
    static func run(_ project: Project, _ tree: CanonicalTree) throws(ComposeError) {
        var check = ConsistencyCheck(project: project, tree: tree)
        for name in project.services.keys.sorted() {
            guard let service = project.services[name] else { continue }
            check.checkImage(service)
            check.checkReferences(service)
            check.checkDependencies(service)
            check.checkLimits(service)
            check.checkScale(service)
            check.checkMounts(service)
            check.checkSections(service)
        }
        check.checkContainerNames()
        check.checkSecrets()
        check.checkCycles()
        guard check.problems.isEmpty else { throw ComposeError(check.problems) }
    }

    private init(project: Project, tree: CanonicalTree) {
        self.project = project
        self.tree = tree
    }

    private mutating func report(_ service: Service, _ attribute: String..., message: String) {
        report(["services", service.name] + attribute, message: message)
    }

    /// Reports a problem at the deepest part of the path that the tree has.
    private mutating func report(_ path: [String], message: String) {
        var location = tree.root.location
        var node: YAMLNode? = tree.root
        for key in path {
            guard case .mapping(let mapping) = node?.value, let entry = mapping.entries.first(where: { $0.key == key })
            else { break }
            location = entry.keyLocation
            node = entry.value
        }
        problems.append(.init(.semantics, at: location, path: path.joined(separator: "."), message))
    }

    private mutating func checkImage(_ service: Service) {
        if service.image == nil, service.build == nil, service.provider == nil {
            report(service, message: "the service has neither an image nor a build context")
        }
        guard let build = service.build else { return }
        if build.dockerfile != nil, build.dockerfileInline != nil {
            report(service, "build", message: "dockerfile and dockerfile_inline exclude each other")
        }
        if let platform = service.platform, !build.platforms.isEmpty, !build.platforms.contains(platform) {
            report(service, "build", "platforms", message: "the platforms must include the service's own, \(platform)")
        }
        for (name, context) in build.additionalContexts.sorted(by: { $0.key < $1.key }) {
            guard context.hasPrefix("service:") else { continue }
            let target = String(context.dropFirst("service:".count))
            if project.services[target]?.build == nil {
                report(
                    service, "build", "additional_contexts", name,
                    message: "there is no service \"\(target)\" that is built")
            }
        }
    }

    private mutating func checkReferences(_ service: Service) {
        for name in service.networks.keys.sorted() where project.networks[name] == nil {
            report(service, "networks", name, message: "there is no network \"\(name)\"; declare it in networks")
        }
        for mount in service.volumes where mount.kind == .volume {
            if let source = mount.source, project.volumes[source] == nil {
                report(service, "volumes", message: "there is no volume \"\(source)\"; declare it in volumes")
            }
        }
        for use in service.configs where project.configs[use.source] == nil {
            report(service, "configs", message: "there is no config \"\(use.source)\"; declare it in configs")
        }
        for use in service.secrets where project.secrets[use.source] == nil {
            report(service, "secrets", message: "there is no secret \"\(use.source)\"; declare it in secrets")
        }
        for use in service.build?.secrets ?? [] where project.secrets[use.source] == nil {
            report(service, "build", "secrets", message: "there is no secret \"\(use.source)\"; declare it in secrets")
        }
        for name in service.models.keys.sorted() where project.models[name] == nil {
            report(service, "models", name, message: "there is no model \"\(name)\"; declare it in models")
        }
    }

    private mutating func checkDependencies(_ service: Service) {
        for (name, dependency) in service.dependsOn.sorted(by: { $0.key < $1.key }) where project.services[name] == nil
        {
            if project.disabledServices[name] == nil {
                report(service, "depends_on", name, message: "there is no service \"\(name)\"")
            } else if dependency.required {
                report(
                    service, "depends_on", name,
                    message: "the service \"\(name)\" is needed, but no active profile enables it")
            }
        }
        if service.networkMode != nil, !service.networks.isEmpty {
            report(service, "network_mode", message: "network_mode and networks exclude each other")
        }
        if let mode = service.networkMode, mode.hasPrefix("service:") {
            let target = String(mode.dropFirst("service:".count))
            if project.services[target] == nil {
                report(service, "network_mode", message: "there is no service \"\(target)\"")
            }
        }
    }

    private mutating func checkLimits(_ service: Service) {
        guard let resources = service.deploy?.resources else { return }
        let distinct = "the two must not differ when both are given"
        if let limits = resources.limits {
            if service.cpus != 0, service.cpus != limits.cpus {
                report(service, "cpus", message: "cpus and deploy.resources.limits.cpus: \(distinct)")
            }
            if service.memLimit != 0, service.memLimit != limits.memory {
                report(service, "mem_limit", message: "mem_limit and deploy.resources.limits.memory: \(distinct)")
            }
            if service.pidsLimit != 0, service.pidsLimit != limits.pids {
                report(service, "pids_limit", message: "pids_limit and deploy.resources.limits.pids: \(distinct)")
            }
        }
        if let reservations = resources.reservations, service.memReservation != 0,
            service.memReservation != reservations.memory
        {
            report(
                service, "mem_reservation",
                message: "mem_reservation and deploy.resources.reservations.memory: \(distinct)")
        }
    }

    private mutating func checkScale(_ service: Service) {
        if let scale = service.scale, let replicas = service.deploy?.replicas, scale != replicas {
            report(service, "scale", message: "scale and deploy.replicas must not differ when both are given")
        }
        if service.replicas < 0 {
            report(service, "scale", message: "the number of replicas must not be negative")
        }
        if service.replicas > 1, service.containerName != nil {
            report(
                service, "container_name",
                message:
                    "a container's name is unique, so a service with container_name cannot have \(service.replicas) replicas"
            )
        }
    }

    private mutating func checkMounts(_ service: Service) {
        var targets: Set<String> = []
        for entry in service.tmpfs {
            let target = entry.prefix { $0 != ":" }
            if !targets.insert(String(target)).inserted {
                report(service, "tmpfs", message: "something is already mounted at \(target)")
            }
        }
        for mount in service.volumes where !targets.insert(mount.target).inserted {
            report(service, "volumes", message: "something is already mounted at \(mount.target)")
        }
    }

    private mutating func checkSections(_ service: Service) {
        if let first = service.healthcheck?.test.first, !["NONE", "CMD", "CMD-SHELL"].contains(first) {
            report(service, "healthcheck", "test", message: "the list must start with NONE, CMD or CMD-SHELL")
        }
        for trigger in service.develop?.watch ?? [] where trigger.target == nil {
            if !["rebuild", "restart"].contains(trigger.action) {
                report(service, "develop", "watch", message: "the action \(trigger.action) needs a target")
            }
        }
    }

    private mutating func checkContainerNames() {
        var owners: [String: String] = [:]
        for name in project.services.keys.sorted() {
            guard let service = project.services[name], let container = service.containerName else { continue }
            if let owner = owners.updateValue(name, forKey: container) {
                report(
                    service, "container_name",
                    message: "the container name \"\(container)\" is already used by the service \"\(owner)\"")
            }
        }
    }

    private mutating func checkSecrets() {
        for (name, secret) in project.secrets.sorted(by: { $0.key < $1.key }) where !secret.external {
            if secret.file == nil, secret.environment == nil {
                report(["secrets", name], message: "a secret needs file or environment")
            }
        }
    }

    private mutating func checkCycles() {
        guard let cycle = DependencyOrder.cycle(in: project.services) else { return }
        report(
            ["services", cycle.first ?? "", "depends_on"],
            message: "the services depend on each other in a circle: " + cycle.joined(separator: " → "))
    }
}
