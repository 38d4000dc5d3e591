/// The labels by which docker compose and watcher know their containers, networks and volumes again: each spelled here
/// and nowhere else.
package enum ComposeLabels {
    package static let project = "com.docker.compose.project"
    package static let service = "com.docker.compose.service"
    package static let version = "com.docker.compose.version"
    package static let workingDirectory = "com.docker.compose.project.working_dir"
    package static let configFiles = "com.docker.compose.project.config_files"
    package static let environmentFile = "com.docker.compose.project.environment_file"
    /// `True` on containers of `docker compose run`.
    package static let oneOff = "com.docker.compose.oneoff"
    package static let configHash = "com.docker.compose.config-hash"
    package static let containerNumber = "com.docker.compose.container-number"
    package static let dependsOn = "com.docker.compose.depends_on"
    /// The id of the image the container was made from.
    package static let image = "com.docker.compose.image"
    /// On a recreated container: the one it took the place of.
    package static let replaces = "com.docker.compose.replace"
    /// On an image: what built it.
    package static let imageBuilder = "com.docker.compose.image.builder"
    package static let slug = "com.docker.compose.slug"
    package static let network = "com.docker.compose.network"
    package static let volume = "com.docker.compose.volume"

    /// The project as watcher's configuration calls it.
    package static let watcherProject = "watcher.project"
    /// The commit that was deployed, in full.
    package static let watcherCommit = "watcher.commit"
    /// The id of the deployment.
    package static let watcherDeployment = "watcher.deployment"
    /// The identity of the versioned files the container uses.
    package static let watcherContentHash = "watcher.content-hash"
    /// On an image that watcher built: the identity of what it was built from.
    package static let watcherBuildHash = "watcher.build-hash"

    /// The docker compose version whose behaviour watcher has, and which it stamps.
    package static let composeVersion = "2.40.3"
}

extension Service {
    /// The labels of one of the service's containers, the user's own included.
    ///
    /// `number` counts from 1; `imageID` is nil when the image is not known; `configHash` is `ConfigHash.label`.
    package func containerLabels(
        in project: Project, number: Int, imageID: String?, configHash: String
    ) -> [String: String] {
        let dependencies = dependsOn.sorted { $0.key < $1.key }.map { name, dependency in
            "\(name):\(dependency.condition.rawValue):\(dependency.restart)"
        }
        var labels = labels
        labels[ComposeLabels.project] = project.name
        labels[ComposeLabels.service] = name
        labels[ComposeLabels.version] = ComposeLabels.composeVersion
        labels[ComposeLabels.workingDirectory] = project.workingDirectory
        labels[ComposeLabels.configFiles] = project.configFiles.joined(separator: ",")
        if !project.environmentFiles.isEmpty {
            labels[ComposeLabels.environmentFile] = project.environmentFiles.joined(separator: ",")
        }
        labels[ComposeLabels.oneOff] = "False"
        labels[ComposeLabels.configHash] = configHash
        labels[ComposeLabels.containerNumber] = String(number)
        labels[ComposeLabels.dependsOn] = dependencies.joined(separator: ",")
        if let imageID { labels[ComposeLabels.image] = imageID }
        return labels
    }

    /// The name of the service's container of that number: `container_name`, or `project-service-number`.
    package func containerName(in project: Project, number: Int) -> String {
        containerName ?? "\(project.name)-\(name)-\(number)"
    }

    /// The image to run: as written, or `project-service` for a service that is only built.
    package func imageName(in project: Project) -> String { image ?? "\(project.name)-\(name)" }
}

extension Network {
    /// The labels of a network that the project calls `key`, the user's own included.
    package func labels(key: String, in project: Project, flavour: ConfigHash.Flavour = .v2) -> [String: String] {
        var labels = labels
        labels[ComposeLabels.network] = key
        labels[ComposeLabels.project] = project.name
        labels[ComposeLabels.version] = ComposeLabels.composeVersion
        labels[ComposeLabels.configHash] = ConfigHash.ofNetwork(self, flavour: flavour)
        return labels
    }
}

extension Volume {
    /// The labels of a volume that the project calls `key`, the user's own included.
    package func labels(key: String, in project: Project, flavour: ConfigHash.Flavour = .v2) -> [String: String] {
        var labels = labels
        labels[ComposeLabels.volume] = key
        labels[ComposeLabels.project] = project.name
        labels[ComposeLabels.version] = ComposeLabels.composeVersion
        labels[ComposeLabels.configHash] = ConfigHash.ofVolume(self, flavour: flavour)
        return labels
    }
}
