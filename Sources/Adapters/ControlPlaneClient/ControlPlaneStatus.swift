// What `GET /v1/status` tells.
package import Primitives

package struct ControlPlaneStatus: Codable, Hashable, Sendable {
    package struct Ledger: Codable, Hashable, Sendable {
        package var size: Int
        package var root: Digest
    }

    package var system: SystemName
    package var environment: EnvironmentName
    package var ledger: Ledger
    package var version: String
}
