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

/// What a creation goes by besides the model.
struct CreationFacts {
    var version = APIVersion(1, 41)
    var isPodman = false
    var name: String?
    var image = "busybox:1"
    var imageID: String? = "sha256:abc"
    var replaced: ObservedState.Container?
    var imageVolumes: [String] = []
    var references: [String: ContainerID] = [:]
    var linked: [String: [String]] = [:]
    var contentHash: String?
}

/// The creation of a service's first container.
func sampleCreation(
    _ service: String = "web", of project: Project, _ facts: CreationFacts = CreationFacts()
) throws -> ContainerCreation<ContainerID> {
    let deployable = try DeployableProject(
        project, on: EngineTraits(version: facts.version, isPodman: facts.isPodman))
    let model = try #require(project.services[service])
    let final = facts.name ?? "\(project.name)-\(service)-1"
    let specification = deployable.specification(
        of: model, number: 1, finalName: final, image: facts.imageID, stamp: sampleStamp,
        contentHash: facts.contentHash, linked: facts.linked, replacing: facts.replaced,
        imageVolumes: facts.imageVolumes)
    return ContainerCreation(
        service: service, number: 1, name: facts.replaced.map { "\($0.id.short)_\(final)" } ?? final,
        finalName: final, image: facts.image, replaces: facts.replaced?.id, references: facts.references,
        specification: specification)
}

let sampleStamp = DeploymentStamp(project: "shop", commit: CommitID(hex: "0123456789abcdef"), deployment: 7)

/// The create call of the sample's service.
func mapping(
    _ project: Project, version: APIVersion = APIVersion(1, 41), proxies: [String: String] = [:],
    _ change: (inout CreationFacts) -> Void = { _ in }
) throws -> ContainerMapping {
    var facts = CreationFacts()
    facts.version = version
    change(&facts)
    return ContainerMapping(try sampleCreation(of: project, facts), proxies: proxies)
}

/// The body as JSON with sorted keys, without its labels.
func json(_ mapping: ContainerMapping) throws -> String {
    var body = mapping.body
    body.labels = [:]
    return String(decoding: try EngineJSON.encode(body), as: UTF8.self)
}

func json(_ value: some Encodable) throws -> String { String(decoding: try EngineJSON.encode(value), as: UTF8.self) }
