import Compose
import Deploy
import FoundationEssentials
import Reconcile
import Testing

@testable import DockerEngine

/// A project of one service, changed as a test wants it.
func sampleProject(
    _ name: String = "shop", service: String = "web", _ change: (inout Service, inout Project) -> Void = { _, _ in }
) -> Project {
    var project = Project(name: name, workingDirectory: "/srv/shop", configFiles: ["/srv/shop/compose.yaml"])
    project.networks["default"] = Network(name: "\(name)_default")
    var web = Service(name: service)
    web.image = "busybox:1"
    web.command = ["sleep", "600"]
    web.networks = ["default": nil]
    web.stopGracePeriod = .seconds(1)
    change(&web, &project)
    project.services[service] = web
    return project
}

func sampleCreation(
    _ service: String = "web", name: String = "shop-web-1", replaces: ContainerID? = nil,
    references: [String: ContainerID] = [:]
) -> ContainerCreation<ContainerID> {
    ContainerCreation(
        service: service, number: 1, name: name, finalName: name, image: "busybox:1", imageID: "sha256:abc",
        replaces: replaces, references: references)
}

let sampleStamp = DeploymentStamp(project: "shop", commit: CommitID(hex: "0123456789abcdef"), deployment: 7)

/// The create call of the sample's service.
func mapping(
    _ project: Project, version: APIVersion = APIVersion(1, 41), replaces: ContainerID? = nil,
    references: [String: ContainerID] = [:], facts: ContainerMapping.Facts = .init()
) throws -> ContainerMapping {
    let service = try #require(project.services["web"])
    return ContainerMapping(
        project: project, service: service, creation: sampleCreation(replaces: replaces, references: references),
        stamp: sampleStamp, version: version, facts: facts)
}

/// The body as JSON with sorted keys, without its labels.
func json(_ mapping: ContainerMapping) throws -> String {
    var body = try mapping.body()
    body.labels = [:]
    return String(decoding: try EngineJSON.encode(body), as: UTF8.self)
}

func json(_ value: some Encodable) throws -> String { String(decoding: try EngineJSON.encode(value), as: UTF8.self) }
