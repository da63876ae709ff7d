package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"runtime"
	"strconv"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// ---- a registry of many small images, on a loopback port of this process ----

const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int    `json:"size"`
}

// manyImages has manifests by tag and digest, and blobs by digest.
type manyImages struct{ manifests, blobs map[string][]byte }

func digestOf(content []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(content)) }

func jsonOf(value any) []byte {
	text, err := json.Marshal(value)
	check(err)
	return text
}

func (r *manyImages) blob(mediaType string, content []byte) descriptor {
	digest := digestOf(content)
	r.blobs[digest] = content
	return descriptor{mediaType, digest, len(content)}
}

// imagesOfOneLayer makes n images that share their layer and differ in their configuration; their tags are numbers.
func imagesOfOneLayer(n int) *manyImages {
	r := &manyImages{map[string][]byte{}, map[string][]byte{}}
	var plain, compressed bytes.Buffer
	archive := tar.NewWriter(&plain)
	check(archive.WriteHeader(&tar.Header{Name: "file", Mode: 0o644, Size: 4}))
	_, err := archive.Write([]byte("word"))
	check(err)
	check(archive.Close())
	out := gzip.NewWriter(&compressed)
	_, err = out.Write(plain.Bytes())
	check(err)
	check(out.Close())
	layer := r.blob(layerType, compressed.Bytes())
	for i := range n {
		config := r.blob(configType, jsonOf(map[string]any{"architecture": runtime.GOARCH, "os": "linux",
			"config": map[string]any{"Cmd": []string{"run", strconv.Itoa(i)}},
			"rootfs": map[string]any{"type": "layers", "diff_ids": []string{digestOf(plain.Bytes())}}}))
		manifest := jsonOf(map[string]any{"schemaVersion": 2, "mediaType": manifestType, "config": config, "layers": []descriptor{layer}})
		r.manifests[strconv.Itoa(i)] = manifest
		r.manifests[digestOf(manifest)] = manifest
	}
	return r
}

func (r *manyImages) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	folder, name := path.Split(request.URL.Path)
	from, mediaType := r.blobs, "application/octet-stream"
	switch path.Base(folder) {
	case "v2":
		return
	case "manifests":
		from, mediaType = r.manifests, manifestType
	}
	content, known := from[name]
	if !known {
		http.NotFound(answer, request)
		return
	}
	answer.Header().Set("Content-Type", mediaType)
	answer.Header().Set("Content-Length", strconv.Itoa(len(content)))
	answer.Header().Set("Docker-Content-Digest", digestOf(content))
	if request.Method != http.MethodHead {
		answer.Write(content)
	}
}

// serve gives the address, HOST:PORT.
func (r *manyImages) serve() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go http.Serve(listener, r)
	return listener.Addr().String()
}

// ---- the command ----

// cmdImages measures what a runtime says of its images while it has many.
func cmdImages(args []string) {
	fs := flag.NewFlagSet("images", flag.ExitOnError)
	n := fs.Int("n", 500, "images, which share one layer")
	p := fs.Int("p", 4, "pulls in parallel, while setting up")
	reps := fs.Int("reps", 100, "calls of each kind")
	fs.Parse(args)
	ctx := context.Background()
	c := dial()
	registry := imagesOfOneLayer(*n).serve()
	spec := func(i int) *cri.ImageSpec { return &cri.ImageSpec{Image: fmt.Sprintf("%s/many:%d", registry, i)} }
	check(parallel(*n, *p, func(i int) error {
		_, err := c.img.PullImage(ctx, &cri.PullImageRequest{Image: spec(i)})
		return err
	}))
	s := newSamples()
	items := s.measure(*reps, []call{
		{"ListImages", func() (int, error) {
			r, err := c.img.ListImages(ctx, &cri.ListImagesRequest{})
			return len(r.GetImages()), err
		}},
		{"ListImages, filter", func() (int, error) {
			r, err := c.img.ListImages(ctx, &cri.ListImagesRequest{Filter: &cri.ImageFilter{Image: spec(*n / 2)}})
			return len(r.GetImages()), err
		}},
		{"StreamImages", func() (int, error) {
			stream, err := c.img.StreamImages(ctx, &cri.StreamImagesRequest{})
			if err != nil {
				return 0, err
			}
			count := 0
			for {
				r, err := stream.Recv()
				if err == io.EOF {
					return count, nil
				}
				if err != nil {
					return 0, err
				}
				count += len(r.GetImages())
			}
		}},
		{"ImageStatus", func() (int, error) {
			r, err := c.img.ImageStatus(ctx, &cri.ImageStatusRequest{Image: spec(*n / 2)})
			if err == nil && r.GetImage() == nil {
				err = fmt.Errorf("%s is not here", spec(*n/2).Image)
			}
			return 1, err
		}},
		{"ImageFsInfo", func() (int, error) {
			r, err := c.img.ImageFsInfo(ctx, &cri.ImageFsInfoRequest{})
			return len(r.GetImageFilesystems()), err
		}},
	})
	for i := range *n {
		check(c.timed(s, "RemoveImage", func() error {
			_, err := c.img.RemoveImage(ctx, &cri.RemoveImageRequest{Image: spec(i)})
			return err
		}))
	}
	s.report("images", map[string]any{"images": *n, "items": items})
}
