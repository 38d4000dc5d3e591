/// How many containers a project may have: what one engine can run.
extension Project {
    /// Containers of one service. A bridge network of Linux has 1023 places.
    package static let mostReplicas = 1_000
    /// Containers of all services together.
    package static let mostContainers = 5_000

    /// The services whose containers no engine could run. docker compose takes any number and fails at some container, with
    /// all that were made until then left behind.
    func problemsOfReplicas() -> [ComposeError.Problem] {
        var found: [ComposeError.Problem] = []
        var total = 0
        for service in services.values.sorted(by: { $0.name < $1.name }) where service.provider == nil {
            let path = "services.\(service.name)"
            guard service.replicas <= Self.mostReplicas else {
                found.append(
                    .init(
                        .unsupported, at: nil, path: path + (service.scale == nil ? ".deploy.replicas" : ".scale"),
                        "\(service.replicas) replicas; a service may have at most \(Self.mostReplicas)"))
                continue
            }
            total += max(service.replicas, 0)
            if total > Self.mostContainers {
                found.append(
                    .init(
                        .unsupported, at: nil, path: path,
                        "the project has more than \(Self.mostContainers) containers together"))
                break
            }
        }
        return found
    }
}
