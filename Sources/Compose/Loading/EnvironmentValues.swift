import YAML

/// Gives what only names a variable the variable's value, with the environment of the file it stands in.
enum EnvironmentValues {
    /// Under this key a secret carries the value of its variable until the tree is complete.
    static let secretValueKey = "x-#value"

    static func resolve(in tree: inout YAMLNode, from environment: [String: String]) {
        tree.update("services") { services in
            services.updateEach { _, service in
                service.update("environment") { node in
                    guard let items = node.sequence else { return }
                    node.value = .sequence(items.map { withValue($0, from: environment) })
                }
            }
        }
        tree.update("configs") { addValues(to: &$0, under: "content", from: environment) }
        tree.update("secrets") { addValues(to: &$0, under: secretValueKey, from: environment) }
    }

    private static func withValue(_ item: YAMLNode, from environment: [String: String]) -> YAMLNode {
        guard let name = item.string, let value = environment[name] else { return item }
        return item.with(.string("\(name)=\(value)"))
    }

    private static func addValues(to resources: inout YAMLNode, under key: String, from environment: [String: String]) {
        resources.updateEach { _, resource in
            guard let variable = resource["environment"], let name = variable.string, let value = environment[name]
            else { return }
            resource.updateMapping { $0[key] = .string(value, at: variable.location) }
        }
    }
}
