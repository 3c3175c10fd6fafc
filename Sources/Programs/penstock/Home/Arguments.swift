// How the domain's names are read from a command line.
import ArgumentParser
import Evidence
import Primitives
import Registry

extension Identifier: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}

extension ModelVersionID: ExpressibleByArgument {
    package init?(argument: String) { self.init(parsing: argument) }
}

extension Instant: ExpressibleByArgument {
    package init?(argument: String) { self.init(parsing: argument) }
}

/// A person at the ceremony: `ada:proposer:keys/ada.pub`, roles joined by `+`.
struct PersonArgument: ExpressibleByArgument {
    var id: PersonID
    var roles: [Role]
    var publicKey: String

    init?(argument: String) {
        let parts = argument.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let id = PersonID(parts[0]) else { return nil }
        let roles = parts[1].split(separator: "+").map { Role($0) }
        guard !roles.isEmpty, roles.allSatisfy({ $0 != nil }) else { return nil }
        self.id = id
        self.roles = roles.compactMap { $0 }
        publicKey = String(parts[2])
    }
}
