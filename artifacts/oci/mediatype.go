package oci

// Media types of the OCI image specification.
const (
	MediaTypeManifest = "application/vnd.oci.image.manifest.v1+json"
	MediaTypeIndex    = "application/vnd.oci.image.index.v1+json"
	MediaTypeEmpty    = "application/vnd.oci.empty.v1+json"
)

// Media types by which Docker calls the same. They are read, never written.
const (
	MediaTypeDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	MediaTypeDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// Media types of the CNCF layout for Wasm.
const (
	MediaTypeWasmConfig = "application/vnd.wasm.config.v0+json"
	MediaTypeWasm       = "application/wasm"
)

// TypeWorkload is the artifact type of a workload that has no Wasm module: the
// CNCF layout has a place for such a module only.
const TypeWorkload = "application/vnd.assay.workload.v1"

// Artifact types of what hangs on a workload, by subject.
const (
	TypeVariants = "application/vnd.assay.workload.variants.v1" // layers: the same source as other Wasm modules
	TypeNative   = "application/vnd.assay.workload.native.v1"   // layers: the static executables
	TypeImages   = "application/vnd.assay.workload.images.v1"   // an index of its container images
	TypeStdin    = "application/vnd.assay.workload.stdin.v1"    // layer: its standard input
	TypeSource   = "application/vnd.assay.workload.source.v1"   // layer: a tar of its source
)

// Media types of the layers of these.
const (
	mediaTypeExecutable = "application/vnd.assay.executable"
	mediaTypeBytes      = "application/octet-stream"
	mediaTypeTar        = "application/x-tar"
)

// AnnotationPrefix begins the name of every annotation of assay's own.
const AnnotationPrefix = "io.github.assay-notebooks."

// BlobPrefix begins the name of an annotation whose value is the digest of a
// blob that belongs to the manifest as a layer does: it is kept, checked,
// exported and imported with it.
const BlobPrefix = AnnotationPrefix + "blob."

// Annotations of the OCI image specification.
const (
	annotationTitle    = "org.opencontainers.image.title"
	annotationRefName  = "org.opencontainers.image.ref.name"
	annotationLicences = "org.opencontainers.image.licenses"
	annotationSource   = "org.opencontainers.image.source"
)

// Media types of the configs of container images.
const (
	MediaTypeImageConfig       = "application/vnd.oci.image.config.v1+json"
	MediaTypeDockerImageConfig = "application/vnd.docker.container.image.v1+json"
)

// wasmLayers are the media types by which the known dialects call a Wasm
// module: CNCF, wasm-to-oci and Spin, solo.io, runwasi.
var wasmLayers = []string{
	MediaTypeWasm,
	"application/vnd.wasm.content.layer.v1+wasm",
	"application/vnd.module.wasm.content.layer.v1+wasm",
	"application/vnd.bytecodealliance.wasm.component.layer.v0+wasm",
}
