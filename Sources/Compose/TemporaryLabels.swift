package enum ComposeLabels {
    package static let service = "com.docker.compose.service"
    package static let configHash = "com.docker.compose.config-hash"
    package static let image = "com.docker.compose.image"
    package static let network = "com.docker.compose.network"
    package static let watcherProject = "watcher.project"
    package static let watcherDeployment = "watcher.deployment"
    package static let watcherContentHash = "watcher.content-hash"
}
package enum ConfigHash {
    package static func accepted(_ service: Service, in project: Project, references: [String: String]) -> Set<String> { ["h:\(service.image ?? "")"] }
    package static func accepted(_ network: Network) -> Set<String> { ["n"] }
    package static func accepted(_ volume: Volume) -> Set<String> { ["v"] }
}
extension Service { package func imageReference(in project: Project) -> String { image ?? "\(project.name)-\(name)" } }
extension ProjectLoader { package func load(_ r: Request) throws -> Result { throw ComposeError([]) } }
extension Project { package func resolvingEnvironment(files: FileAccess) throws -> Project { self } }
