package import Compose

extension DeployableProject {
    /// What cannot be deployed as things stand on the engine, to be asked once the images are there and before anything is
    /// touched: paths without places, empty when everything can.
    package func problems(in observed: ObservedState) -> [ComposeError.Problem] {
        problems(with: observed.images) + problems(sharing: observed)
    }

    /// Services that are waited for to be healthy, and have no health check: neither of their own nor of their image. An
    /// image that is not known says nothing.
    package func problems(with images: [String: ObservedState.Image]) -> [ComposeError.Problem] {
        project.services.values.sorted { $0.name < $1.name }.flatMap { service in
            service.dependsOn.sorted { $0.key < $1.key }.compactMap { name, dependency in
                guard dependency.condition == .healthy, dependency.required, let provider = project.services[name],
                    provider.replicas > 0, provider.provider == nil,
                    let image = images[provider.imageName(in: project)], !provider.hasHealthcheck(image)
                else { return nil }
                return .init(
                    .semantics, at: nil, path: "services.\(service.name).depends_on.\(name)",
                    "waits for \"\(name)\" to be healthy, but neither it nor its image has a health check")
            }
        }
    }

    /// Containers of others whose namespaces are to be shared, and that do not exist or do not share them.
    private func problems(sharing observed: ObservedState) -> [ComposeError.Problem] {
        guard let others = observed.otherContainers else { return [] }
        let own = project.ownContainerNames
        return project.services.values.sorted { $0.name < $1.name }.flatMap { service in
            service.sharedContainers.compactMap { attribute, name in
                func problem(_ message: String) -> ComposeError.Problem {
                    .init(.semantics, at: nil, path: "services.\(service.name).\(attribute)", message)
                }
                guard let other = others[name] else {
                    return own.contains(name) ? nil : problem("there is no container \"\(name)\"")
                }
                guard attribute == "ipc", ["private", "none"].contains(other.ipcMode) else { return nil }
                return problem(
                    "container \"\(name)\" does not share its IPC namespace; create it with `ipc: shareable`")
            }
        }
    }
}

extension Project {
    /// The containers of others that services share namespaces with, by name or id: what the engine has to be asked about.
    package var sharedContainers: [String] {
        Set(services.values.flatMap(\.sharedContainers).map(\.name)).sorted()
    }

    /// The names that the project's own containers get.
    fileprivate var ownContainerNames: Set<String> {
        Set(
            services.values.flatMap { service in
                (1...max(service.replicas, 1)).map { service.containerName(in: self, number: $0) }
            })
    }

    /// Services whose IPC namespace is shared although the engine makes it private unless it is told otherwise.
    func ipcProblems() -> [ComposeError.Problem] {
        services.values.sorted { $0.name < $1.name }.compactMap { service in
            guard let mode = service.ipc, mode.hasPrefix("service:"),
                let donor = services[String(mode.dropFirst("service:".count))],
                donor.ipc == nil || donor.ipc == "private" || donor.ipc == "none" || donor.ipc?.isEmpty == true
            else { return nil }
            return .init(
                .semantics, at: nil, path: "services.\(service.name).ipc",
                "\"\(donor.name)\" does not share its IPC namespace; give it `ipc: shareable`")
        }
    }
}

extension Service {
    /// `container:NAME` of `network_mode`, `ipc` and `pid`.
    fileprivate var sharedContainers: [(attribute: String, name: String)] {
        [("network_mode", networkMode), ("ipc", ipc), ("pid", pid)].compactMap { attribute, mode in
            guard let mode, mode.hasPrefix("container:") else { return nil }
            return (attribute, String(mode.dropFirst("container:".count)))
        }
    }
}
